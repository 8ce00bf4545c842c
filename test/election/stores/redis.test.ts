import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type RedisClient, RedisLeaseStore } from 'holdfast/election/redis';
import { leaseStoreSuite } from 'holdfast/testing';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { type Proxy, startProxy } from '../../support/proxy.ts';
import { describeWith, type Server, startRedis } from '../../support/servers.ts';
import { abandoned, candidacy, granted, patient, promptMs, rest, winnerOf } from './candidates.ts';

interface Connected {
  readonly client: RedisClient;
  readonly command: (...words: string[]) => Promise<unknown>;
  readonly close: () => void;
}

const libraries: Readonly<Record<string, (url: string) => Promise<Connected>>> = {
  async ioredis(url) {
    const client = new Redis(url, { autoResendUnfulfilledCommands: false, retryStrategy: () => 50 });
    client.on('error', () => undefined);
    const command = (name: string, ...words: string[]): Promise<unknown> => client.call(name, ...words);
    return { client, command: command, close: () => client.disconnect() };
  },
  async redis(url) {
    const client = createClient({ url, socket: { reconnectStrategy: 50 } });
    client.on('error', () => undefined);
    await client.connect();
    return { client, command: (...words) => client.sendCommand(words), close: () => client.destroy() };
  },
};

describeWith(['redis-server'], 'RedisLeaseStore', () => {
  let server: Server;
  beforeAll(async () => void (server = await startRedis()));
  afterAll(() => server.stop());

  describe.each(Object.entries(libraries))('over %s', (_, open) => {
    let one: Connected;
    beforeAll(async () => void (one = await open(server.url)));
    afterAll(() => one.close());

    leaseStoreSuite(
      () => new RedisLeaseStore(one.client),
      { describe, it },
      {
        ttlMs: 300,
        remove: (key) => one.command('DEL', `{holdfast:${key}}:lease`),
        wipe: () => one.command('FLUSHALL'),
      },
    );

    test('one of a hundred racers wins', async () => {
      const others = await Promise.all(Array.from({ length: 9 }, () => open(server.url)));
      const stores = [one, ...others].map(({ client }) => new RedisLeaseStore(client));
      for (let round = 0; round < 5; round++) await winnerOf(stores, 100);
      for (const other of others) other.close();
    });

    test('runs its scripts also after the server has forgotten them', async () => {
      const store = new RedisLeaseStore(one.client);
      const { record } = await granted(store, candidacy());
      for (const call of [
        () => store.renew([record], record, patient),
        () => store.read(record.key, patient),
        () => store.release(record, patient),
        () => granted(store, candidacy()),
      ]) {
        await one.command('SCRIPT', 'FLUSH');
        expect(await call()).toBeTruthy();
      }
    });

    test('rejects by the signal when the answer is lost, and what it did is found by the nonce', async () => {
      const proxy = await startProxy(server);
      const far = await open(`redis://${proxy.host}:${String(proxy.port)}`);
      const store = new RedisLeaseStore(far.client);
      const who = candidacy();
      await granted(store, candidacy()); // the server has the script
      proxy.blackhole('toClient');
      expect(await abandoned((signal) => store.acquire(who, signal), 50)).toBeLessThan(promptMs);
      const near = new RedisLeaseStore(one.client);
      expect(await near.read(who.key, patient)).toMatchObject({ holder: who.holder, nonce: who.nonce });
      await granted(near, who);
      proxy.blackhole('none');
      await granted(store, who);
      far.close();
      await proxy.stop();
    });

    test('does not send later what was given up while there was no connection', async () => {
      const proxy: Proxy = await startProxy(server);
      const far = await open(`redis://${proxy.host}:${String(proxy.port)}`);
      const store = new RedisLeaseStore(far.client);
      const who = candidacy();
      await granted(store, candidacy()); // the server has the script
      proxy.blackhole('both');
      proxy.cut();
      await sleep(100); // until the client has seen it
      expect(await abandoned((signal) => store.acquire(who, signal), 100)).toBeLessThan(promptMs);
      proxy.blackhole('none');
      await store.read(who.key, AbortSignal.timeout(10_000)); // it is back
      expect(await store.read(who.key, patient)).toBeNull();
      far.close();
      await proxy.stop();
    });

    test('a watch goes on over a lost connection, with a hint when it is back', async () => {
      const proxy = await startProxy(server);
      const far = await open(`redis://${proxy.host}:${String(proxy.port)}`);
      const store = new RedisLeaseStore(far.client);
      const { key } = candidacy();
      const hints = store.watch(key, patient)[Symbol.asyncIterator]();
      expect(await hints.next()).toMatchObject({ done: false });
      proxy.cut();
      expect(await hints.next()).toMatchObject({ done: false });
      const told = hints.next();
      await granted(new RedisLeaseStore(one.client), candidacy({ key }));
      expect(await told).toMatchObject({ done: false });
      const after = rest(hints);
      await store.close();
      await expect(after).rejects.toMatchObject({ code: 'CLOSED' });
      far.close();
      await proxy.stop();
    });

    test('hears by the subscriber that it was given, which stays open', async () => {
      const subscriber = await open(server.url);
      const store = new RedisLeaseStore(one.client, { subscriber: subscriber.client });
      for (let round = 0; round < 2; round++) {
        const controller = new AbortController();
        const hints = store.watch('given', controller.signal)[Symbol.asyncIterator]();
        await hints.next();
        const told = hints.next();
        const { record } = await granted(store, candidacy({ key: 'given' }));
        expect(await told).toMatchObject({ done: false });
        await store.release(record, patient);
        controller.abort();
        await rest(hints);
      }
      const last = store.watch('given', patient)[Symbol.asyncIterator]();
      await last.next();
      const ended = rest(last);
      subscriber.close();
      await expect(ended).rejects.toMatchObject({ code: 'STORE_FAILED' });
    });

    test('keeps elections of another prefix apart', async () => {
      const who = candidacy();
      await granted(new RedisLeaseStore(one.client, { prefix: 'one' }), who);
      await granted(new RedisLeaseStore(one.client, { prefix: 'two' }), { ...who, nonce: 'another' });
    });
  });

  test.each(Object.entries(libraries))('tokens rise over restarts, with data and without, over %s', async (_, open) => {
    const own = await startRedis();
    const { client, close } = await open(own.url);
    const store = new RedisLeaseStore(client);
    const key = 'restarted';
    const tokens: bigint[] = [];
    for (const wipe of [false, true, undefined]) {
      const { record } = await granted(store, candidacy({ key }));
      tokens.push(record.token);
      if (wipe === undefined) break;
      await own.restart({ wipe });
      const kept = await store.read(key, AbortSignal.timeout(10_000));
      if (wipe) expect(kept).toBeNull();
      else expect(kept).toMatchObject({ token: record.token, holder: record.holder });
      if (!wipe) expect(await store.release(record, patient)).toBe(true);
    }
    expect(tokens).toEqual([...tokens].sort((a, b) => Number(a - b)));
    expect(new Set(tokens).size).toBe(3);
    close();
    await own.stop();
  });

  test('a server that stands still is no answer', async () => {
    const { client, close } = await libraries['ioredis']!(server.url);
    const store = new RedisLeaseStore(client);
    await store.read('key', patient);
    server.pause();
    try {
      expect(await abandoned((signal) => store.read('key', signal), 20)).toBeLessThan(promptMs);
    } finally {
      server.resume();
    }
    close();
  });

  test('works in a cluster, whose keys are in many slots', async () => {
    const node = await startRedis('--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1');
    const admin = new Redis(node.port, node.host);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    while (!String(await admin.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(50);
    admin.disconnect();
    const { Cluster } = await import('ioredis');
    const { createCluster } = await import('redis');
    const ioredis = new Cluster([{ host: node.host, port: node.port }]);
    const redis = createCluster({ rootNodes: [{ url: node.url }] });
    await redis.connect();
    for (const client of [ioredis, redis] as const) {
      const store = new RedisLeaseStore(client);
      const held = [];
      for (let i = 0; i < 10; i++) held.push((await granted(store, candidacy())).record);
      const renewed = await store.renew(held, { ttlMs: 5_000 }, patient);
      expect(renewed.map((record) => record?.token)).toEqual(held.map(({ token }) => token));
      const hints = store.watch(held[0]!.key, patient)[Symbol.asyncIterator]();
      await hints.next();
      const told = hints.next();
      for (const record of held) expect(await store.release(record, patient)).toBe(true);
      expect(await told).toMatchObject({ done: false });
      await hints.return!();
      await store.close();
    }
    ioredis.disconnect();
    redis.destroy();
    await node.stop();
  });
});

describe('RedisLeaseStore at the door', () => {
  test.each([[undefined], [null], ['redis://localhost'], [{}], [{ eval: () => undefined }], [() => undefined]])(
    'refuses %s as a client',
    (client) => {
      expect(() => new RedisLeaseStore(client as never)).toThrow(/^client must be a client of ioredis or of redis/);
    },
  );

  const client = new Redis({ lazyConnect: true });

  test.each([
    [{ prefix: '' }, /^prefix must be a string without braces/],
    [{ prefix: 'a{b' }, /^prefix must be a string without braces/],
    [{ subscriber: {} }, /^subscriber must be a client of ioredis/],
    [{ table: 'x' }, /^RedisLeaseStore has no option "table"/],
  ])('refuses %j', (options, message) => {
    expect(() => new RedisLeaseStore(client, options as never)).toThrow(message);
  });
});
