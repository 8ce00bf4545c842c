/*
 * Ways to lead, each used as its documentation says: for one term, and with what it has to tell its user that the term is over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Etcd3 } from 'etcd3';

import { Redis } from 'ioredis';
import Redlock, { type Settings } from 'redlock';
import { Election, type Term } from '../../src/election/index.ts';
import { nowMs } from '../../test/election/real/lab.ts';
import { openStore, type Place } from '../../test/election/real/stores.ts';

/** The lease of all of them. */
export const leaseMs = 3_000;

/** One that stands, for one term. */
export interface Candidacy {
  /** When it was told that it leads. */
  readonly electedMs: Promise<number>;
  /** Whether it goes by what it was told: it leads, and nothing has said that this is over. */
  believes(): boolean;
  leave(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  readonly kind: 'redis' | 'etcd';
  readonly stand: (place: Place, name: string, id: string) => Promise<Candidacy>;
}

const holdfast = (kind: Contender['kind']): Contender => ({
  name: `holdfast on ${kind}`,
  kind,
  stand: async (place, name, id) => {
    const { store, close } = await openStore(place);
    const election = new Election(store, { name, id, ttlMs: leaseMs });
    let term: Term | undefined;
    const electedMs = election.acquire().then((won) => {
      term = won;
      return nowMs();
    });
    electedMs.catch(() => undefined);
    return {
      electedMs,
      believes: () => term?.signal.aborted === false,
      leave: async () => {
        await term?.resign();
        await election.close();
        await close();
      },
    };
  },
});

const etcd3: Contender = {
  name: 'etcd3, `Election`',
  kind: 'etcd',
  stand: async ({ url }, name, id) => {
    const client = new Etcd3({ hosts: url });
    const campaign = client.election(name, leaseMs / 1_000).campaign(id);
    let leads = false;
    const electedMs = new Promise<number>((resolve) => {
      campaign.on('elected', () => {
        leads = true;
        resolve(nowMs());
      });
    });
    campaign.on('error', () => (leads = false));
    return {
      electedMs,
      believes: () => leads,
      leave: async () => {
        await campaign.resign().catch(() => undefined);
        client.close();
      },
    };
  },
};

const redlock = (
  how: string,
  options: { readonly commandTimeout?: number },
  settings: Partial<Settings>,
): Contender => ({
  name: `redlock, \`using\`, ${how}`,
  kind: 'redis',
  stand: async ({ url }, name) => {
    const client = new Redis(url, options);
    client.on('error', () => undefined);
    const locks = new Redlock([client], settings);
    locks.on('error', () => undefined);
    const leaving = new AbortController();
    let believes = (): boolean => false;
    let over: Promise<void> = Promise.resolve();
    const electedMs = new Promise<number>((resolve) => {
      const hold = async (signal: { readonly aborted: boolean }): Promise<void> => {
        believes = () => !signal.aborted;
        resolve(nowMs());
        while (!signal.aborted && !leaving.signal.aborted) await sleep(5);
        leaving.abort();
      };
      const campaign = async (): Promise<void> => {
        while (!leaving.signal.aborted) {
          await locks.using([name], leaseMs, hold).catch(() => undefined);
          await sleep(100);
        }
      };
      over = campaign();
    });
    return {
      electedMs,
      believes: () => believes(),
      leave: async () => {
        leaving.abort();
        await Promise.race([over, sleep(2_000)]);
        client.disconnect();
      },
    };
  },
});

export const contenders: readonly Contender[] = [
  holdfast('redis'),
  holdfast('etcd'),
  etcd3,
  redlock('defaults', {}, {}),
  redlock('`commandTimeout` 250 ms, `retryCount` 0', { commandTimeout: 250 }, { retryCount: 0 }),
];
