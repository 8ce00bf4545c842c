import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { LeaseStore } from 'holdfast/election';
import { EtcdLeaseStore, type EtcdLeaseStoreOptions } from 'holdfast/election/etcd';
import { leaseStoreSuite } from 'holdfast/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { startProxy } from '../../support/proxy.ts';
import { describeWith, etcdctl, type Server, startEtcd } from '../../support/servers.ts';
import { abandoned, candidacy, granted, patient, promptMs, rest, winnerOf } from './candidates.ts';

/** Laws that want another version after each renewal. A renewal in etcd is no write, unless the data changes. */
const versionLaws = [
  'gives every write another version',
  'answers a storm of candidates as if one came after the other',
];

/** Laws that wait for the end of a lease, two seconds at least: together. */
const endLaws = /^(lets |server: )/;

const only =
  (which: (name: string) => boolean) =>
  (name: string, body: () => Promise<void>): void => {
    if (which(name)) (endLaws.test(name) ? it.concurrent : it)(name, body);
  };

describeWith(['etcd', 'etcdctl'], 'EtcdLeaseStore', () => {
  let server: Server;
  beforeAll(async () => void (server = await startEtcd()));
  afterAll(() => server.stop());

  const open = (options: Partial<EtcdLeaseStoreOptions> = {}): EtcdLeaseStore =>
    new EtcdLeaseStore({ endpoints: [server.url], ...options });
  const ctl = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(etcdctl(), ['--endpoints', server.url, ...args], { env: { ETCDCTL_API: '3' } })).stdout;

  leaseStoreSuite(
    () => open(),
    { describe, it: only((name) => !versionLaws.includes(name)) },
    {
      ttlMs: 2_000,
      remove: (key) => ctl('del', '--prefix', `holdfast/${key}/`),
      wipe: () => ctl('del', '--prefix', ''),
    },
  );

  describe('with renewals that write', () => {
    let writes = 0;
    const writing = (): LeaseStore => {
      const store = open();
      const renew: LeaseStore['renew'] = (held, patch, signal) =>
        store.renew(held, { ...patch, data: String(++writes) }, signal);
      return new Proxy(store, {
        get: (_, name) => {
          const value: unknown = name === 'renew' ? renew : Reflect.get(store, name, store);
          return typeof value === 'function' ? (value.bind(store) as unknown) : value;
        },
      });
    };
    leaseStoreSuite(writing, { describe, it: only((name) => versionLaws.includes(name)) });
  });

  test('one of a hundred racers wins, and the others leave no lease behind', async () => {
    for (let round = 0; round < 2; round++) {
      const before = await leases();
      await winnerOf([open(), open(), open()], 100);
      expect((await leases()) - before).toBe(1);
    }
  });

  const leases = async (): Promise<number> => (await ctl('lease', 'list')).trim().split('\n').length - 1;

  test('a renewal is no write, but where data changes', async () => {
    const store = open();
    const { record } = await granted(store, candidacy({ data: 'first' }));
    const revision = async (): Promise<number> =>
      (JSON.parse(await ctl('get', 'x', '-w', 'json')) as { header: { revision: number } }).header.revision;
    const before = await revision();
    await store.renew([record], { ttlMs: record.ttlMs }, patient);
    await store.renew([record], { ttlMs: record.ttlMs, data: 'first' }, patient);
    expect(await revision()).toBe(before);
    await store.renew([record], { ttlMs: record.ttlMs, data: 'second' }, patient);
    expect(await revision()).toBe(before + 1);
  });

  test('a renewal that lengthens the lease leaves no other behind', async () => {
    const store = open();
    const { record } = await granted(store, candidacy({ ttlMs: 2_000 }));
    const before = await leases();
    const [longer] = await store.renew([record], { ttlMs: 30_000 }, patient);
    expect(longer).toMatchObject({ ttlMs: 30_000, token: record.token });
    expect(await leases()).toBe(before);
    expect(await store.release(record, patient)).toBe(true);
    expect(await leases()).toBe(before - 1);
  });

  test('a lease that was revoked by hand is lost', async () => {
    const store = open();
    const { record } = await granted(store, candidacy());
    const { leader } = await keysOf(record.key);
    await ctl('lease', 'revoke', leader!.split('/').at(-1)!);
    expect(await store.renew([record], record, patient)).toEqual([null]);
    expect(await store.release(record, patient)).toBe(false);
  });

  const keysOf = async (key: string): Promise<{ leader: string | undefined; value: string | undefined }> => {
    const [leader, value] = (await ctl('get', '--prefix', `holdfast/${key}/`)).split('\n');
    return { leader, value };
  };

  describe('in one election with etcdctl', () => {
    const running = new Set<ChildProcess>();
    afterEach(() => {
      for (const child of running) child.kill('SIGKILL');
      running.clear();
    });

    /** `etcdctl elect`, and what it has printed. */
    const elect = (...args: string[]): { child: ChildProcess; printed: () => string } => {
      let printed = '';
      const child = spawn(etcdctl(), ['--endpoints', server.url, 'elect', ...args], { env: { ETCDCTL_API: '3' } });
      child.stdout.on('data', (data) => (printed += String(data)));
      running.add(child);
      return { child, printed: () => printed };
    };
    const until = async <T>(look: () => T | Promise<T>): Promise<Exclude<T, false | null | undefined>> => {
      for (;;) {
        const found = await look();
        if (found !== undefined && found !== null && found !== false)
          return found as Exclude<T, false | null | undefined>;
        await sleep(10);
      }
    };

    test('a candidate of etcdctl waits for our leader, sees who it is, and follows it', async () => {
      const store = open();
      const { key } = candidacy();
      const { record } = await granted(store, candidacy({ key, holder: 'node-1', nonce: 'n1', data: 'at home' }));
      const observer = elect('--listen', `holdfast/${key}`);
      await until(() => observer.printed().includes('at home'));
      expect(observer.printed()).toBe(
        `${(await keysOf(key)).leader!}\n{"holder":"node-1","nonce":"n1","data":"at home"}\n`,
      );
      const candidate = elect(`holdfast/${key}`, 'from Go');
      await until(async () => (await ctl('get', '--prefix', `holdfast/${key}/`)).includes('from Go'));
      expect(candidate.printed()).toBe('');
      await store.renew([record], record, patient);
      expect(await store.read(key, patient)).toMatchObject({ holder: 'node-1', data: 'at home' });
      expect(await store.release(record, patient)).toBe(true);
      await until(() => candidate.printed().includes('from Go'));
      expect(await store.read(key, patient)).toMatchObject({ holder: 'from Go', ttlMs: 60_000 });
    });

    test('our candidate is denied by a leader of etcdctl, sees who it is, and follows it under a higher token', async () => {
      const store = open();
      const { key } = candidacy();
      const first = await granted(store, candidacy({ key }));
      await store.release(first.record, patient);
      const { child, printed } = elect(`holdfast/${key}`, '{"from":"Go"}');
      await until(() => printed().includes('from'));
      const foreign = (await store.read(key, patient))!;
      expect(foreign).toMatchObject({ holder: '{"from":"Go"}', ttlMs: 60_000 });
      expect(foreign.token).toBeGreaterThan(first.record.token);
      expect(await store.acquire(candidacy({ key }), patient)).toMatchObject({
        granted: false,
        current: { holder: '{"from":"Go"}', token: foreign.token },
      });
      const hints = store.watch(key, patient)[Symbol.asyncIterator]();
      await hints.next();
      const told = hints.next();
      child.kill('SIGINT');
      expect(await told).toMatchObject({ done: false });
      const next = await until(async () => {
        const answer = await store.acquire(candidacy({ key }), patient);
        return answer.granted ? answer.record : undefined;
      });
      expect(next.token).toBeGreaterThan(foreign.token);
      await hints.return!();
    });

    test('a key that was put by hand denies everybody', async () => {
      const store = open();
      const { key } = candidacy();
      await ctl('put', `holdfast/${key}/by-hand`, '');
      const answer = await store.acquire(candidacy({ key }), patient);
      expect(answer).toMatchObject({ granted: false, current: { holder: '', ttlMs: 2_000 } });
      await ctl('del', `holdfast/${key}/by-hand`);
      await granted(store, candidacy({ key }));
    });
  });

  test('rejects by the signal when the answer is lost, and what it did is found by the nonce', async () => {
    const proxy = await startProxy(server);
    const far = open({ endpoints: [`http://${proxy.host}:${String(proxy.port)}`] });
    const who = candidacy();
    await far.read(who.key, patient);
    proxy.blackhole('toClient');
    expect(await abandoned((signal) => far.acquire(who, signal), 50)).toBeLessThan(promptMs);
    const near = open();
    const { record } = await granted(near, who);
    const [renewal, release] = [
      (signal: AbortSignal) => far.renew([record], { ttlMs: 60_000, data: 'late' }, signal),
      (signal: AbortSignal) => far.release(record, signal),
    ];
    expect(await abandoned(renewal, 20)).toBeLessThan(promptMs);
    expect(await abandoned(release, 20)).toBeLessThan(promptMs);
    proxy.blackhole('none');
    await sleep(50);
    // Neither had made its first step, a read, and neither goes on.
    expect(await near.read(who.key, patient)).toMatchObject({ version: record.version });
    await granted(far, who);
    await proxy.stop();
  });

  test('an abandoned watch closes its connection', async () => {
    const proxy = await startProxy(server);
    const far = open({ endpoints: [`http://${proxy.host}:${String(proxy.port)}`] });
    const controller = new AbortController();
    const hints = far.watch('key', controller.signal)[Symbol.asyncIterator]();
    await hints.next();
    expect(proxy.closed).toBe(0);
    controller.abort();
    await rest(hints);
    await expect.poll(() => proxy.closed).toBe(1);
    const broken = far.watch('key', patient)[Symbol.asyncIterator]();
    await broken.next();
    const ended = rest(broken);
    proxy.cut();
    await expect(ended).rejects.toThrow();
    const closed = far.watch('key', patient)[Symbol.asyncIterator]();
    await closed.next();
    await far.close();
    await expect(rest(closed)).rejects.toMatchObject({ code: 'CLOSED' });
    await proxy.stop();
  });

  test('asks another endpoint after a failure, from the next call on', async () => {
    const asked: string[] = [];
    const endpoints = ['http://127.0.0.1:1', 'http://127.0.0.1:2/', server.url];
    const spying = ((input: string, init) => {
      asked.push(new URL(input).origin);
      return globalThis.fetch(input, init);
    }) as typeof globalThis.fetch;
    const store = open({ endpoints, fetch: spying });
    await expect(store.read('key', patient)).rejects.toThrow();
    await expect(store.read('key', patient)).rejects.toThrow();
    expect(await store.read('key', patient)).toBeNull();
    expect(await store.read('key', patient)).toBeNull();
    expect(asked).toEqual(['http://127.0.0.1:1', 'http://127.0.0.1:2', server.url, server.url]);
  });

  test('sends the headers that it is given, asked anew each time', async () => {
    const sent: unknown[] = [];
    let count = 0;
    const spying = ((input: string, init) => {
      sent.push(new Headers(init?.headers).get('x-probe'));
      return globalThis.fetch(input, init);
    }) as typeof globalThis.fetch;
    await open({ fetch: spying, headers: { 'x-probe': 'fixed' } }).read('key', patient);
    const store = open({ fetch: spying, headers: () => ({ 'x-probe': `token ${String(++count)}` }) });
    await store.read('key', patient);
    await store.read('key', patient);
    expect(sent).toEqual(['fixed', 'token 1', 'token 2']);
  });

  test.each([
    [new Response('{"error":"etcdserver: no leader","code":14}', { status: 503 }), /HTTP 503 .*no leader/],
    [new Response('<html>a proxy</html>'), /what is no JSON: "<html>/],
    [new Response('{"error":{"message":"etcdserver: corrupt"}}'), /corrupt/],
    [new Response(''), /an empty answer/],
  ])('makes an error of what is no answer (%#)', async (response, message) => {
    const store = open({ fetch: async () => response });
    const call = store.read('key', patient);
    await expect(call).rejects.toThrow(message);
    await expect(call).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  test('an epoch that is no number is an error, and not a lower token', async () => {
    const store = open({ prefix: 'broken' });
    await ctl('put', 'broken:epoch', 'soon');
    await expect(store.acquire(candidacy(), patient)).rejects.toThrow(/broken:epoch .* must hold a number/);
  });

  test('elections whose names begin alike, or hold slashes, do not see each other', async () => {
    const store = open();
    for (const key of ['a/b', 'a', 'a%2Fb', 'a0', 'a/', '']) await granted(store, candidacy({ key }));
  });

  test('tokens rise over restarts, with data and without', async () => {
    const own = await startEtcd();
    const store = new EtcdLeaseStore({ endpoints: [own.url] });
    const { record: first } = await granted(store, candidacy());
    await own.restart();
    expect(await store.read(first.key, patient)).toMatchObject({ token: first.token, holder: first.holder });
    expect(await store.release(first, patient)).toBe(true);
    const { record: second } = await granted(store, candidacy({ key: first.key }));
    expect(second.token).toBeGreaterThan(first.token);
    await own.restart({ wipe: true });
    expect(await store.renew([second], second, patient)).toEqual([null]);
    const { record: third } = await granted(store, candidacy({ key: first.key }));
    expect(third.token).toBeGreaterThan(second.token);
    await own.stop();
  });
});

describe('EtcdLeaseStore at the door', () => {
  test.each([
    [undefined, /^endpoints must be an array of at least one http: or https: URL, got undefined/],
    [{ endpoints: [] }, /^endpoints must be an array of at least one/],
    [{ endpoints: ['localhost:2379'] }, /^endpoints must be an array of at least one/],
    [{ endpoints: ['http://a:2379/v3'] }, /^endpoints must be an array of at least one/],
    [{ endpoints: ['http://a'], prefix: '' }, /^prefix must be a string that is not empty/],
    [{ endpoints: ['http://a'], prefix: 'a/' }, /^prefix must be a string that is not empty/],
    [{ endpoints: ['http://a'], fetch: 'node-fetch' }, /^fetch must be a function/],
    [{ endpoints: ['http://a'], headers: 'x' }, /^headers must be an object or a function/],
    [{ hosts: ['a'] }, /^EtcdLeaseStore has no option "hosts"/],
  ])('refuses %j', (options, message) => {
    expect(() => new EtcdLeaseStore(options as never)).toThrow(message);
  });
});
