/** A real Redis and its adapter, which is killed half-way. Then Redis is full, its slow log overflows, and it restarts. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { example } from '../support/example.ts';
import { Processes } from '../support/processes.ts';
import { missingRedis, startRedis } from '../support/redis-server.ts';
import type { Message } from './adapter-process.ts';
import type { Line } from './slow-log.ts';

await example(async ({ say, check, defer, makeFolder }) => {
  const folder = await makeFolder();
  const log = ['--slowlog-log-slower-than', '2000', '--slowlog-max-len', '60', '--enable-debug-command', 'local'];
  const server = await startRedis(folder, ...log);
  defer(server.stop);
  const redis = new Redis(server.port, { retryStrategy: () => 20 }).on('error', () => undefined);
  defer(() => redis.disconnect());
  const adapters = new Processes<Message>();
  defer(() => adapters.close());
  const start = async (): Promise<string> => {
    adapters.start('adapter', new URL('adapter-process.ts', import.meta.url), String(server.port), folder);
    return (await adapters.next('listening')).url;
  };
  const kill = async (): Promise<void> => {
    adapters.signal('adapter', 'SIGKILL');
    await adapters.ended();
  };
  const work = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await redis.call('DEBUG', 'SLEEP', '0.003');
  };
  const lines = async (): Promise<readonly Line[]> => {
    const text = await readFile(join(folder, 'slow.jsonl'), 'utf8').catch(() => '');
    return Array.from(text.matchAll(/(.+)\n/g), ([line]) => JSON.parse(line) as Line);
  };
  /** The lines, when the newest entry that Redis has is among them. */
  const caughtUp = async (): Promise<readonly Line[]> => {
    const [[newest]] = (await redis.slowlog('GET', 1)) as [[number]];
    for (; ; await sleep(10)) {
      const all = await lines();
      if (all.at(-1)?.id === newest) return all;
    }
  };

  await start();
  const working = work(50);
  while ((await lines()).length < 15) await sleep(5);
  await kill();
  let url = await start();
  await working;
  const [first, entries] = [await caughtUp(), (await redis.slowlog('GET', -1)) as [number][]];
  const same =
    first.map(({ id }) => id).join() ===
    entries
      .map(([id]) => id)
      .reverse()
      .join();
  check(same, `the adapter was killed half-way: ${entries.length} slow commands are ${first.length} lines, each one`);
  say(JSON.stringify(first.at(-1)));

  const metrics = async (): Promise<string> => await (await fetch(`${url}/metrics`)).text();
  const status = async (): Promise<number> => (await fetch(`${url}/healthz`)).status;
  say(/^redis_command_duration.*debug.*$/m.exec(await metrics())![0]);
  await redis.config('SET', 'maxmemory', 1);
  let failed = await adapters.next('failed');
  while (failed.well) failed = await adapters.next('failed');
  const [is, ping] = [await status(), await redis.ping()];
  check(is === 503 && ping === 'PONG', `full: ${ping}, but health is ${is} after ${failed.failures} failures`);
  await redis.config('SET', 'maxmemory', 0);
  while ((await status()) !== 200) await sleep(20);

  await kill();
  await work(80);
  url = await start();
  const second = await caughtUp();
  const missed = second.findIndex(({ event }) => event === 'missed');
  check(
    second.length - 1 + Number(missed) === second.at(-1)!.id + 1,
    `the log has overflowed: a line says that ${missed} were missed`,
  );

  await server.restart(async () =>
    check((await metrics()).includes('\nredis_up 0\n'), 'without Redis, the page says redis_up 0'),
  );
  await work(5);
  const third = await caughtUp();
  const news = third.slice(second.length).map(({ event, id }) => `${event} ${id}`);
  check(news.join().startsWith(`restarted -1,slow 0,slow 1`), 'Redis was restarted');
}, missingRedis());
