/** Nothing of ours keeps a process alive that has closed its election and its store, however its server is. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Proxy, startProxy } from '../../support/proxy.ts';
import {
  describeWith,
  type Program,
  type Server,
  startEtcd,
  startPostgres,
  startRedis,
} from '../../support/servers.ts';
import type { Client, Closing } from './closing-process.ts';
import { makeTable } from './stores.ts';

const program = fileURLToPath(new URL('closing-process.ts', import.meta.url));

/** It ends by itself, and soon after all is closed; `meanwhile` happens when it leads, or has tried to. */
async function endsByItself(orders: Partial<Closing> & Pick<Closing, 'client' | 'url'>, meanwhile?: () => unknown) {
  const whole: Closing = { by: 'election', patienceMs: 10_000, whenTold: meanwhile !== undefined, ...orders };
  const child = fork(program, [JSON.stringify(whole)], { execArgv: ['--import', 'tsx'] });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const told = async (what: string): Promise<void> => {
    const next = await Promise.race([once(child, 'message'), exit]);
    expect(next[0]).toBe(what);
  };
  try {
    await told('leads');
    await meanwhile?.();
    const closed = told('closed');
    if (whole.whenTold) child.send('close');
    await closed;
    const ended = await Promise.race([exit, sleep(2_000, 'it goes on', { ref: false })]);
    expect(ended).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
}

const servers: readonly (readonly [readonly Program[], () => Promise<Server>, readonly Client[]])[] = [
  [['redis-server'], startRedis, ['ioredis', 'redis']],
  [['postgres', 'initdb'], startPostgres, ['pg', 'postgres.js']],
  [['etcd'], startEtcd, ['etcd']],
];

for (const [programs, start, clients] of servers) {
  describeWith(programs, `a process that closes a store of ${programs[0]!}`, () => {
    let server: Server;
    let proxy: Proxy;
    let url: string;
    beforeAll(async () => {
      server = await start();
      if (programs[0] === 'postgres') await makeTable(server);
    });
    beforeEach(async () => {
      proxy = await startProxy(server);
      url = server.url.replace(String(server.port), String(proxy.port));
      return async () => {
        server.resume();
        await proxy.stop();
      };
    });
    afterAll(() => server.stop());

    describe.each(clients)('over %s', (client) => {
      test('ends when it closes as soon as it leads', () => endsByItself({ client, url }));

      test('ends when nothing was watched', () => endsByItself({ client, url, by: 'lease' }));

      // What postgres.js has asked of a silent server keeps its socket, and so the process, although it was ended at once.
      const whenSilent = test.skipIf(client === 'postgres.js');

      whenSilent('ends when the server is silent by then', () =>
        // Not through the proxy, which hangs up when it is hung up on.
        endsByItself({ client, url: server.url }, async () => {
          await sleep(300); // until it watches
          server.pause();
        }),
      );

      test('ends when the server is gone by then', () =>
        endsByItself({ client, url }, async () => {
          await sleep(300);
          await proxy.stop();
        }));

      whenSilent('ends when the server was silent all the time', () => {
        server.pause();
        return endsByItself({ client, url: server.url, patienceMs: 700 });
      });

      test('ends when the server was never there', async () => {
        await proxy.stop();
        await endsByItself({ client, url, patienceMs: 700 });
      });
    });
  });
}

describe('a process that closes a store of files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-election-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(['election', 'lease'] as const)('ends, by %s', (by) => endsByItself({ client: 'file', url: folder, by }));

  test('ends when the folder is gone by then', () =>
    endsByItself({ client: 'file', url: join(folder, 'gone') }, () =>
      rmSync(join(folder, 'gone'), { recursive: true }),
    ));
});
