/** A naive client and one local port: behind it three shards become four while it reads and writes. */
import { count, example, percent } from '../support/example.ts';
import { serve, type Service } from '../support/http.ts';
import { Ambassador } from './ambassador.ts';
import { Shard } from './shard-server.ts';

const keys = 500;

await example(async ({ say, check, defer }) => {
  const shards: Shard[] = [];
  const start = async (id: string): Promise<Service> => {
    const shard = new Shard();
    const server = await serve(id, shard.serve);
    shards.push(shard);
    defer(server.close);
    return server;
  };
  const sizes = (): string => shards.map(({ values }) => values.size).join(' + ');
  const ambassador = new Ambassador(await Promise.all(['shard-1', 'shard-2', 'shard-3'].map(start)));
  const { url, close } = await serve('ambassador', ambassador.serve);
  defer(close);
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
  const all = async (work: (key: string, i: number) => Promise<void>, signal?: AbortSignal): Promise<void> => {
    const client = async (first: number): Promise<void> => {
      for (let i = first; i < keys && !signal?.aborted; i += 4) await work(`user-${i}`, i);
    };
    await Promise.all([0, 1, 2, 3].map(client));
  };
  await all((key) => put(key, 'written at first'));
  say(`${count(keys)} keys written through one port, to three shards: ${sizes()}`);
  const moved = new AbortController();
  const load = async (round: number): Promise<void> => {
    await all(async (key, i) => {
      seen.requests++;
      await ((i + round) % 5 === 0 ? put(key, `written in round ${round}`) : get(key));
    }, moved.signal);
    if (!moved.signal.aborted) await load(round + 1);
  };
  const loaded = load(1);
  const plan = await ambassador.add(await start('shard-4'));
  moved.abort();
  await loaded;
  const atOnce = [...newest.keys()].filter((key) => plan.moveOf(key) !== undefined).length;
  say(`a fourth shard added under ${count(seen.requests)} requests: ${sizes()}`);
  say(`${percent(plan.fraction)} of the slots moved, where equal shares need ${percent(plan.lowerBound)}`);
  check(
    seen.missing === 0 && atOnce > 0,
    `${seen.missing} reads found nothing; added in one step, ${atOnce} keys would be unreadable`,
  );
  check(seen.stale === 0, `${seen.stale} reads found another value than the newest`);
  await all(get);
  const held = shards.reduce((sum, { values }) => sum + values.size, 0);
  check(
    seen.missing + seen.stale === 0 && held === keys,
    `${count(held)} keys on four shards, each once, all readable`,
  );
});
