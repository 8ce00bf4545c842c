/**
 * A process that has nothing to do after it has closed what it used: it says so, and then has to end by itself. What it
 * stands by is the user's client, which it closes too.
 */
import { once } from 'node:events';
import { Election, type LeaseStore } from '../../../src/election/index.ts';
import { EtcdLeaseStore } from '../../../src/election/stores/etcd.ts';
import { FileLeaseStore } from '../../../src/election/stores/file.ts';
import { PostgresLeaseStore } from '../../../src/election/stores/postgres.ts';
import { RedisLeaseStore } from '../../../src/election/stores/redis.ts';
import { Redis } from 'ioredis';
import pg from 'pg';
import postgres from 'postgres';
import { createClient } from 'redis';

export type Client = 'file' | 'etcd' | 'ioredis' | 'redis' | 'pg' | 'postgres.js';

export interface Closing {
  readonly client: Client;
  readonly url: string;
  /** `election`: it leads, or tries to, and watches; `lease`: it has a lease and does not watch. */
  readonly by: 'election' | 'lease';
  /** For how long it tries. */
  readonly patienceMs: number;
  /** Whether it closes when its parent says so, or as soon as it leads. */
  readonly whenTold: boolean;
}

interface Opened {
  readonly store: LeaseStore;
  readonly close?: () => unknown;
}

const open: Readonly<Record<Client, (url: string) => Opened>> = {
  file: (url) => ({ store: new FileLeaseStore(url) }),
  etcd: (url) => ({ store: new EtcdLeaseStore({ endpoints: [url] }) }),
  ioredis(url) {
    // For so long the client waits for a server that does not hang up.
    const client = new Redis(url, { disconnectTimeout: 100 });
    client.on('error', () => undefined);
    return { store: new RedisLeaseStore(client), close: () => client.disconnect() };
  },
  redis(url) {
    const client = createClient({ url, socket: { reconnectStrategy: 50 } });
    client.on('error', () => undefined);
    client.connect().catch(() => undefined);
    return { store: new RedisLeaseStore(client), close: () => client.destroy() };
  },
  pg(url) {
    // A pool, too, waits for the server to hang up: here without the process.
    const pool = new pg.Pool({ connectionString: url, allowExitOnIdle: true, connectionTimeoutMillis: 500 });
    pool.on('error', () => undefined);
    const listen = async (): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 500 });
      client.on('error', () => undefined);
      await client.connect();
      return client;
    };
    return { store: new PostgresLeaseStore(pool, { listen }), close: () => void pool.end() };
  },
  'postgres.js'(url) {
    // Its own pause between two connections, up to 20 s, is not ended by its `end`; what is tested is what is ours.
    const sql = postgres(url, { onnotice: () => undefined, backoff: () => 0.05 });
    return { store: new PostgresLeaseStore(sql, { listen: sql }), close: () => void sql.end({ timeout: 0 }) };
  },
};

const tell = (what: 'leads' | 'closed'): Promise<void> =>
  new Promise((resolve) => process.send!(what, () => resolve()));

const { client, url, by, patienceMs, whenTold } = JSON.parse(process.argv[2]!) as Closing;
const { store, close } = open[client](url);
const name = `closing ${String(process.pid)}`;
const signal = AbortSignal.timeout(patienceMs);
const election = new Election(store, { name, ttlMs: 2_000, drainMs: 100, requestMs: 200 });

if (by === 'election') await election.acquire({ signal }).catch(() => undefined);
else await store.acquire({ key: name, holder: 'one', nonce: 'one', ttlMs: 2_000 }, signal);
await tell('leads');
if (whenTold) await once(process, 'message');
// Not resigned, and all of it twice.
for (let i = 0; i < 2; i++) {
  await election.close();
  await store.close?.();
}
await close?.();
await tell('closed');
process.disconnect();
