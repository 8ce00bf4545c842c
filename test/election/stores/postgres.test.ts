import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import postgres from 'postgres';
import { type PostgresClient, type PostgresListen, PostgresLeaseStore } from 'holdfast/election/postgres';
import { leaseStoreSuite } from 'holdfast/testing';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { startProxy } from '../../support/proxy.ts';
import { describeWith, type Server, startPostgres } from '../../support/servers.ts';
import { abandoned, candidacy, granted, patient, promptMs, rest, winnerOf } from './candidates.ts';

interface Connected {
  readonly client: PostgresClient;
  readonly listen: PostgresListen;
  readonly close: () => Promise<unknown>;
}

const connect = async (url: string): Promise<pg.Client> => {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

const libraries: Readonly<Record<string, (url: string) => Promise<Connected>>> = {
  async 'a Pool of pg'(url) {
    const client = new pg.Pool({ connectionString: url, max: 20 });
    client.on('error', () => undefined);
    return { client, listen: () => connect(url), close: () => client.end() };
  },
  async 'a Client of pg'(url) {
    const [client, listener] = await Promise.all([connect(url), connect(url)]);
    return { client, listen: listener, close: () => Promise.all([client.end(), listener.end()]) };
  },
  async 'postgres.js'(url) {
    const client = postgres(url, { onnotice: () => undefined, max: 20 });
    return { client, listen: client, close: () => client.end({ timeout: 0 }) };
  },
};

describeWith(['postgres', 'initdb'], 'PostgresLeaseStore', () => {
  let server: Server;
  let admin: pg.Pool;
  beforeAll(async () => {
    server = await startPostgres();
    admin = new pg.Pool({ connectionString: server.url, max: 2 });
    admin.on('error', () => undefined);
    const many = Array.from({ length: 10 }, () => new pg.Pool({ connectionString: server.url, max: 1 }));
    await Promise.all(many.map((pool) => new PostgresLeaseStore(pool).createTable(patient)));
    await Promise.all(many.map((pool) => pool.end()));
  });
  afterAll(async () => {
    await admin.end();
    await server.stop();
  });

  describe.each(Object.entries(libraries))('over %s', (_, open) => {
    let one: Connected;
    beforeAll(async () => void (one = await open(server.url)));
    afterAll(() => one.close());

    leaseStoreSuite(
      () => new PostgresLeaseStore(one.client, { listen: one.listen }),
      { describe, it },
      {
        ttlMs: 300,
        remove: (key) => admin.query('DELETE FROM holdfast_leases WHERE key = $1', [key]),
        wipe: () => admin.query('TRUNCATE holdfast_leases'),
      },
    );

    test('one of a hundred racers wins', async () => {
      const others = await Promise.all(Array.from({ length: 3 }, () => open(server.url)));
      const stores = [one, ...others].map(({ client }) => new PostgresLeaseStore(client));
      for (let round = 0; round < 5; round++) await winnerOf(stores, 100);
      await Promise.all(others.map((other) => other.close()));
    });

    test('rejects by the signal when the answer is lost, and what it did is found by the nonce', async () => {
      const proxy = await startProxy(server);
      const far = await open(`postgres://postgres@${proxy.host}:${String(proxy.port)}/postgres`);
      const store = new PostgresLeaseStore(far.client);
      const who = candidacy();
      await store.read(who.key, patient);
      proxy.blackhole('toClient');
      expect(await abandoned((signal) => store.acquire(who, signal), 100)).toBeLessThan(promptMs);
      const near = new PostgresLeaseStore(one.client);
      if (_ !== 'postgres.js') expect(await near.read(who.key, patient)).toMatchObject({ nonce: who.nonce });
      await granted(near, who);
      proxy.blackhole('none');
      await granted(store, who);
      await far.close();
      await proxy.stop();
    });
  });

  test('an abandoned call lets go of its connection of a pool', async () => {
    const proxy = await startProxy(server);
    const url = `postgres://postgres@${proxy.host}:${String(proxy.port)}/postgres`;
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    pool.on('error', () => undefined);
    const store = new PostgresLeaseStore(pool);
    const { record } = await granted(store, candidacy());
    proxy.blackhole('both');
    const other = candidacy();
    // The first is under way, the second waits for the only connection.
    await Promise.all([
      abandoned((signal) => store.renew([record], { ttlMs: 1, data: 'late' }, signal), 20),
      abandoned((signal) => store.acquire(other, signal), 10),
    ]);
    expect(pool.totalCount).toBe(0);
    proxy.blackhole('none');
    expect(await store.read(other.key, patient)).toBeNull();
    await pool.end();
    await proxy.stop();
  });

  test('a connection of a pool that breaks during a call is an error of the call, and of nobody else', async () => {
    const proxy = await startProxy(server);
    const url = `postgres://postgres@${proxy.host}:${String(proxy.port)}/postgres`;
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    pool.on('error', () => undefined);
    const store = new PostgresLeaseStore(pool);
    const uncaught: unknown[] = [];
    const hear = (error: unknown): void => void uncaught.push(error);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', hear);
    try {
      await store.read('key', patient);
      proxy.blackhole('toClient');
      const broken = expect(store.read('key', patient)).rejects.toThrow('Connection terminated');
      await sleep(50);
      proxy.cut();
      await broken;
      await sleep(50);
    } finally {
      process.off('uncaughtException', hear);
      for (const other of others) process.on('uncaughtException', other);
    }
    expect(uncaught).toEqual([]);
    expect(pool.totalCount).toBe(0);
    await pool.end();
    await proxy.stop();
  });

  test('a call given up in the queue of postgres.js is not sent', async () => {
    const sql = postgres(server.url, { max: 1 });
    const store = new PostgresLeaseStore(sql);
    const who = candidacy();
    const busy = sql`SELECT pg_sleep(0.2)`.execute();
    expect(await abandoned((signal) => store.acquire(who, signal), 20)).toBeLessThan(promptMs);
    await busy;
    expect(await store.read(who.key, patient)).toBeNull();
    await sql.end();
  });

  test('is denied, or fails, but never twice granted where transactions are serializable', async () => {
    const options = '-c default_transaction_isolation=serializable';
    const pool = new pg.Pool({ connectionString: server.url, max: 20, options });
    const store = new PostgresLeaseStore(pool);
    for (let round = 0; round < 5; round++) {
      const { key } = await winnerOf([store], 50);
      expect(await store.read(key, patient)).not.toBeNull();
    }
    await pool.end();
  });

  test('the fence of the documentation lets only the newest token through', async () => {
    const store = new PostgresLeaseStore(admin);
    await admin.query('CREATE TABLE jobs (id int PRIMARY KEY, done_by text)');
    await admin.query('INSERT INTO jobs VALUES (1, NULL)');
    const write = async (key: string, token: bigint): Promise<number | null> => {
      const fence = 'EXISTS (SELECT 1 FROM holdfast_leases WHERE key = $1 AND token = $2 FOR SHARE)';
      const { rowCount } = await admin.query(`UPDATE jobs SET done_by = $3 WHERE id = 1 AND ${fence}`, [
        key,
        token,
        'x',
      ]);
      return rowCount;
    };
    const { record: first } = await granted(store, candidacy());
    expect(await write(first.key, first.token)).toBe(1);
    await store.release(first, patient);
    const { record: second } = await granted(store, candidacy({ key: first.key }));
    expect(await write(first.key, first.token)).toBe(0);
    expect(await write(first.key, second.token)).toBe(1);
  });

  test('tells how the lease before it ended', async () => {
    const store = new PostgresLeaseStore(admin);
    const { key } = candidacy();
    const none = await granted(store, candidacy({ key }));
    await store.release(none.record, patient);
    const released = await granted(store, candidacy({ key, ttlMs: 1 }));
    while ((await store.read(key, patient)) !== null);
    const expired = await granted(store, candidacy({ key }));
    expect([none, released, expired].map(({ predecessor }) => predecessor)).toEqual(['none', 'released', 'expired']);
  });

  test('keeps its leases in the table and schema that it is told', async () => {
    await admin.query('CREATE SCHEMA elections');
    const store = new PostgresLeaseStore(admin, { table: 'elections.user', listen: () => connect(server.url) });
    await store.createTable(patient);
    const who = candidacy();
    const hints = store.watch!(who.key, patient)[Symbol.asyncIterator]();
    await hints.next();
    const told = hints.next();
    await granted(store, who);
    expect(await told).toMatchObject({ done: false });
    await store.close();
    await expect(hints.next()).rejects.toMatchObject({ code: 'CLOSED' });
    expect((await admin.query('SELECT key FROM elections.user')).rows).toEqual([{ key: who.key }]);
    expect(await new PostgresLeaseStore(admin).read(who.key, patient)).toBeNull();
  });

  test('a watch ends with an error when its connection breaks, and the next has another', async () => {
    const proxy = await startProxy(server);
    const url = `postgres://postgres@${proxy.host}:${String(proxy.port)}/postgres`;
    const store = new PostgresLeaseStore(admin, { listen: () => connect(url) });
    expect(new PostgresLeaseStore(admin).watch).toBeUndefined();
    for (let round = 0; round < 2; round++) {
      const hints = store.watch!('key', patient)[Symbol.asyncIterator]();
      await hints.next();
      const ended = rest(hints);
      proxy.cut();
      await expect(ended).rejects.toThrow();
    }
    await proxy.stop();
  });

  test('tokens rise over restarts, with data and without', async () => {
    const own = await startPostgres();
    const pool = new pg.Pool({ connectionString: own.url });
    pool.on('error', () => undefined);
    const store = new PostgresLeaseStore(pool);
    await store.createTable(patient);
    const { record: first } = await granted(store, candidacy());
    await own.restart();
    expect(await store.read(first.key, patient)).toMatchObject({ token: first.token, holder: first.holder });
    expect(await store.release(first, patient)).toBe(true);
    const { record: second } = await granted(store, candidacy({ key: first.key }));
    expect(second.token).toBeGreaterThan(first.token);
    await own.restart({ wipe: true });
    await store.createTable(patient);
    expect(await store.renew([second], second, patient)).toEqual([null]);
    const { record: third } = await granted(store, candidacy({ key: first.key }));
    expect(third.token).toBeGreaterThan(second.token);
    await pool.end();
    await own.stop();
  });

  test('a server that stands still is no answer', async () => {
    const store = new PostgresLeaseStore(admin);
    await store.read('key', patient);
    server.pause();
    try {
      expect(await abandoned((signal) => store.read('key', signal), 20)).toBeLessThan(promptMs);
    } finally {
      server.resume();
    }
  });
});

describe('PostgresLeaseStore at the door', () => {
  test.each([[undefined], ['postgres://localhost'], [{}], [{ query: 'text' }], [() => undefined]])(
    'refuses %s as a client',
    (client) => {
      expect(() => new PostgresLeaseStore(client as never)).toThrow(
        /^client must be a Pool or Client of pg, or the sql/,
      );
    },
  );

  test.each([
    [{ table: '' }, /^table must be a name/],
    [{ table: 'Leases' }, /^table must be a name/],
    [{ table: 'a.b.c' }, /^table must be a name/],
    [{ table: 'leases"; DROP TABLE jobs; --' }, /^table must be a name/],
    [{ table: 'x'.repeat(64) }, /^table must be a name/],
    [{ listen: new pg.Pool() }, /^listen must be a Client of pg \(not a Pool\)/],
    [{ listen: true }, /^listen must be a Client of pg/],
    [{ prefix: 'x' }, /^PostgresLeaseStore has no option "prefix"/],
  ])('refuses %j', (options, message) => {
    expect(() => new PostgresLeaseStore(new pg.Pool(), options as never)).toThrow(message);
  });

  test('a listen function that gives something else fails the watch', async () => {
    const store = new PostgresLeaseStore(new pg.Pool(), { listen: (async () => ({})) as never });
    await expect(rest(store.watch!('key', patient)[Symbol.asyncIterator]())).rejects.toThrow(
      /^what listen\(\) resolves to/,
    );
  });
});
