/** A real Redis and its adapter, which is killed half-way. Then the slow log overflows, and then Redis itself is restarted. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { example } from '../support/example.ts';
import { Processes } from '../support/processes.ts';
import { missingRedis, startRedis } from '../support/redis-server.ts';
import type { Message } from './adapter-process.ts';
import type { Line } from './slow-log.ts';

const options = { 'slowlog-log-slower-than': '2000', 'slowlog-max-len': '80', 'enable-debug-command': 'local' };

await example(async (stage) => {
  const [folder, { port, redis, restart }] = [await stage.makeFolder(), await startRedis(stage, options)];
  const adapters = new Processes<Message>();
  stage.defer(() => adapters.close());
  const start = async (): Promise<string> => {
    adapters.start('adapter', new URL('adapter-process.ts', import.meta.url), String(port), folder);
    return (await adapters.next('listening')).url;
  };
  const workSlowly = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await redis.call('DEBUG', 'SLEEP', '0.003');
  };
  const read = (): Promise<string> => readFile(join(folder, 'slow.jsonl'), 'utf8').catch(() => '');
  const lines = async () => Array.from((await read()).matchAll(/(.+)\n/g), ([line]) => JSON.parse(line) as Line);
  /** What Redis has, and the lines when they are as new. */
  const caughtUp = async () => {
    for (;;) {
      const ids = ((await redis.slowlog('GET', -1)) as [number][]).map(([id]) => id).reverse();
      const all = await lines();
      if (all.at(-1)?.id === ids.at(-1)) return { ids, all };
      await sleep(10);
    }
  };

  await start();
  const working = workSlowly(50);
  while ((await lines()).length <= 15) await sleep(5);
  await adapters.kill('adapter');
  await start();
  await working;
  const { ids, all } = await caughtUp();
  const same = all.map(({ id }) => id).join() === ids.join();
  stage.check(same, `the adapter was killed half-way: ${ids.length} slow commands are ${all.length} lines, each one`);
  stage.say(JSON.stringify(all.at(-1)));

  await adapters.kill('adapter');
  await workSlowly(100);
  const url = await start();
  const { all: more } = await caughtUp();
  const missed = more.find(({ event }) => event === 'missed')?.missed ?? 0;
  const whole = missed > 0 && more.length - 1 + missed === more.at(-1)!.id + 1;
  stage.check(whole, `the slow log has overflowed: a line says that ${missed} are missed; all others are there`);

  const get = (path = ''): Promise<Response> => fetch(`${url}/${path}`);
  stage.say((await (await get('metrics')).text()).match(/^redis_(?:memory|.*"debug").*$/gm)!.join('\n'));
  await restart(async () => {
    while ((await adapters.next('failed')).failures < 3 || (await get()).status === 200);
    stage.check((await get()).status === 503, 'without Redis, health is 503 after 3 failures');
    stage.check(/^redis_up 0$/m.test(await (await get('metrics')).text()), 'and the page says redis_up 0');
  });
  await workSlowly(5);
  const { ids: anew, all: most } = await caughtUp();
  const told = most.slice(more.length).map(({ event, id }) => `${event} ${id}`);
  while ((await get()).status !== 200) await sleep(20);
  stage.check(told.length === anew.length + 1, `Redis was restarted: ${told.join(', ')}; health is 200 again`);
}, missingRedis());
