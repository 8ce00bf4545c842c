/** A naive client and one local port: behind it three shards become four while it reads and writes. */
import { count, example } from '../support/example.ts';
import { serve } from '../support/http.ts';
import { Ambassador } from './ambassador.ts';
import { Shard } from './shard-server.ts';

const keys = 500;

await example(async ({ say, check, defer }) => {
  const shards = [new Shard(), new Shard(), new Shard(), new Shard()];
  const servers = await Promise.all(shards.map((shard, i) => serve(`shard-${i + 1}`, shard.serve)));
  const ambassador = new Ambassador(servers.slice(0, 3));
  const { url, close } = await serve('ambassador', ambassador.serve);
  defer(() => [...servers, { close }].forEach((server) => server.close()));
  const sizes = (): string => shards.map(({ values }) => values.size).join(' + ');
  // All that the clients know is one URL. Each has keys of its own, so it knows what it must find.
  const newest = new Map<string, string>();
  const seen = { requests: 0, missing: 0, stale: 0 };
  const put = async (key: string, body: string): Promise<void> => {
    if ((await fetch(`${url}/${key}`, { method: 'PUT', body })).ok) newest.set(key, body);
  };
  const get = async (key: string): Promise<void> => {
    const response = await fetch(`${url}/${key}`);
    if ((await response.text()) !== newest.get(key)) seen[response.ok ? 'stale' : 'missing']++;
  };
  const all = async (work: (key: string, i: number) => Promise<void>): Promise<void> => {
    const client = async (first: number): Promise<void> => {
      for (let i = first; i < keys; i += 4, seen.requests++) await work(`user-${i}`, i);
    };
    await Promise.all([0, 1, 2, 3].map(client));
  };
  await all((key) => put(key, 'written at first'));
  say(`${count(keys)} keys written through one port, to three shards: ${sizes()}`);
  const [fourth, last] = [shards[3]!, servers[3]!];
  fourth.limit = 20;
  const why = await ambassador.add(last).then(() => 'taken in', String);
  await all(get);
  check(seen.missing === 0 && fourth.values.size === 20, `no room on a fourth shard: ${why}; no key is lost`);
  fourth.values.clear();
  fourth.limit = Infinity;

  const moved = new AbortController();
  const load = async (round: number): Promise<void> => {
    await all((key, i) => ((i + round) % 5 === 0 ? put(key, `written in round ${round}`) : get(key)));
    if (!moved.signal.aborted) await load(round + 1);
  };
  const [before, loaded] = [seen.requests, load(1)];
  const plan = await ambassador.add(last);
  say(`it is added under ${count(seen.requests - before)} requests: ${sizes()}`);
  moved.abort();
  await loaded;
  const atOnce = [...newest.keys()].filter((key) => plan.moveOf(key) !== undefined).length;
  const { missing, stale } = seen;
  check(missing === 0 && atOnce > 0, `${missing} reads found nothing; in one step, ${atOnce} keys would be unreadable`);
  check(stale === 0, `${stale} reads found another value than the newest`);
  await all(get);
  const held = shards.reduce((sum, { values }) => sum + values.size, 0);
  check(seen.missing + seen.stale === 0 && held === keys, `${held} keys on four shards, each once, all readable`);
});
