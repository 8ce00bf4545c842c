/** The stores as a process of a test opens them: by kind and place. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LeaseStore } from 'holdfast/election';
import { EtcdLeaseStore } from 'holdfast/election/etcd';
import { FileLeaseStore } from 'holdfast/election/file';
import { PostgresLeaseStore } from 'holdfast/election/postgres';
import { RedisLeaseStore } from 'holdfast/election/redis';
import { Redis } from 'ioredis';
import pg from 'pg';
import { folderOf } from '../../../src/election/stores/file-name.ts';

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

/** Deletes the lease of an election by hand: with its key, its row, its folder. */
export async function deleteLease({ kind, url }: Place, name: string): Promise<void> {
  switch (kind) {
    case 'file':
      rmSync(join(url, folderOf(name)), { recursive: true });
      return;
    case 'redis': {
      const client = new Redis(url);
      await client.del(`{holdfast:${name}}:lease`);
      client.disconnect();
      return;
    }
    case 'postgres': {
      const pool = new pg.Pool({ connectionString: url });
      await pool.query('DELETE FROM holdfast_leases WHERE key = $1', [name]);
      await pool.end();
      return;
    }
    case 'etcd': {
      const [key, end] = [`holdfast/${name}/`, `holdfast/${name}0`].map(btoa);
      await fetch(`${url}/v3/kv/deleterange`, { method: 'POST', body: JSON.stringify({ key, range_end: end }) });
    }
  }
}
