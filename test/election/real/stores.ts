/** The stores as a process of a test opens them: by kind and place. */
import type { LeaseStore } from 'holdfast/election';
import { EtcdLeaseStore } from 'holdfast/election/etcd';
import { FileLeaseStore } from 'holdfast/election/file';
import { PostgresLeaseStore } from 'holdfast/election/postgres';
import { RedisLeaseStore } from 'holdfast/election/redis';
import { Redis } from 'ioredis';
import pg from 'pg';

/** Where a store is. */
export interface Place {
  readonly kind: 'file' | 'redis' | 'postgres' | 'etcd';
  /** A folder, or what clients call a server by. */
  readonly url: string;
}

export interface Opened {
  readonly store: LeaseStore;
  readonly close: () => Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

/** Opens a store with a client of its own, one that gives up on a broken connection soon and opens another. */
export async function openStore({ kind, url }: Place): Promise<Opened> {
  switch (kind) {
    case 'file':
      return { store: new FileLeaseStore(url), close: nothing };
    case 'etcd':
      return { store: new EtcdLeaseStore({ endpoints: [url] }), close: nothing };
    case 'redis': {
      const client = new Redis(url, {
        autoResendUnfulfilledCommands: false,
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        retryStrategy: () => 50,
        lazyConnect: true,
      });
      client.on('error', () => undefined);
      await client.connect().catch(() => undefined);
      const store = new RedisLeaseStore(client);
      return {
        store,
        close: async () => {
          await store.close();
          client.disconnect();
        },
      };
    }
    case 'postgres': {
      const pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 500 });
      pool.on('error', () => undefined);
      const store = new PostgresLeaseStore(pool, {
        listen: async () => {
          const client = new pg.Client({ connectionString: url });
          await client.connect();
          return client;
        },
      });
      return {
        store,
        close: async () => {
          await store.close();
          await pool.end();
        },
      };
    }
  }
}

/** The table of the store of postgres: a migration makes it, not the store. */
export async function makeTable({ url }: { readonly url: string }): Promise<void> {
  const pool = new pg.Pool({ connectionString: url });
  await new PostgresLeaseStore(pool).createTable(AbortSignal.timeout(5_000));
  await pool.end();
}
