/**
 * Leases of elections in Redis or Valkey.
 *
 * @module holdfast/election/redis
 */
import { HoldfastError } from '../../core/errors.ts';
import { anything, readOptions, type Rule } from '../../core/options.ts';
import type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from '../lease-store.ts';
import { checkClient, connectionOf, type RedisClient, type RedisConnection, subscribe } from './redis/client.ts';
import * as scripts from './redis/scripts.ts';
import { SharedHints } from './shared-hints.ts';

export type { IoredisLike, NodeRedisLike, RedisClient } from './redis/client.ts';

/** Where a {@link RedisLeaseStore} keeps its leases, and how it hears of changes. */
export interface RedisLeaseStoreOptions {
  /**
   * Begins the name of every key and channel; without braces, which are for the slots of a cluster.
   *
   * @defaultValue `'holdfast'`
   */
  readonly prefix?: string | undefined;
  /**
   * A connected client that is used for subscriptions only; it stays open. Absent: `client.duplicate()`, when somebody watches
   * and for as long.
   */
  readonly subscriber?: RedisClient | undefined;
}

const prefixRule: Rule<string> = {
  expected: 'a string without braces that is not empty',
  accepts: (value) => typeof value === 'string' && /^[^{}]+$/.test(value),
};

/**
 * Leases in Redis 5 or later, or Valkey, over the user's own client, of `ioredis` or of `redis`.
 *
 * - Each method is one script, so one atomic step; a renewal of many leases is one, too, but in a cluster one for each.
 * - Tokens are milliseconds of the server's clock, or the last token + 1 where that is more: they grow also when everything
 *   was wiped, if the clock is right.
 * - Redis itself ends a lease, by its wall clock. Whoever sets that clock forward ends leases early.
 *
 * Does not promise that an acknowledged write stays: `durability` is `'best-effort'`. A replica that becomes the primary may
 * not have had the grant, and a restart may lose what was not yet on disk: then there are two leaders until the first has
 * failed to renew. Its effects are refused where they carry the token, if the resource checks it. `WAIT` and `appendfsync always`
 * make this rarer and do not end it.
 *
 * A call that is aborted is not sent later from the queue of the client, but ioredis sends anew what was under way when a
 * connection broke, unless its option `autoResendUnfulfilledCommands` is false, which is advised.
 *
 * Keys: `{prefix:key}:lease` and `{prefix:key}:token`, in one slot of a cluster. A fenced write to the same slot compares its token
 * with the second one, in a script. Changes are published on `prefix:changes`, with the key.
 *
 * @example
 * ```ts needs="redis"
 * import { Redis } from 'ioredis';
 * import { RedisLeaseStore } from 'holdfast/election/redis';
 *
 * const redis = new Redis(process.env['REDIS_URL']!, { autoResendUnfulfilledCommands: false });
 * const store = new RedisLeaseStore(redis);
 * const lease = { key: 'indexer', holder: 'node-1', nonce: 'a8f2', ttlMs: 10_000 };
 * await store.acquire(lease, AbortSignal.timeout(2_500));
 * redis.disconnect();
 * ```
 */
export class RedisLeaseStore implements LeaseStore {
  readonly expiry = 'server';
  readonly durability = 'best-effort';
  readonly limits: LeaseLimits = { minTtlMs: 1, stepMs: 1 };
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #hints: SharedHints;

  /**
   * @param client - of `ioredis` or of `redis`; it stays the user's, who connects and closes it
   * @param options - where leases are kept
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(client: RedisClient, options: RedisLeaseStoreOptions = {}) {
    checkClient('client', client);
    const given = readOptions('RedisLeaseStore', options, { prefix: prefixRule, subscriber: anything<RedisClient>() });
    const subscriber = given.subscriber && checkClient('subscriber', given.subscriber);
    this.#prefix = given.prefix ?? 'holdfast';
    this.#connection = connectionOf(client);
    this.#hints = new SharedHints(async (source) => {
      const line = subscriber ?? checkClient('client.duplicate()', client.duplicate());
      await subscribe(line, subscriber === undefined, this.#channel, source);
    });
  }

  async acquire(candidacy: Candidacy, signal: AbortSignal): Promise<Granted | Denied> {
    const { key, nonce, holder, ttlMs, data } = candidacy;
    const args = [this.#channel, key, nonce, holder, whole(ttlMs), ...(data === undefined ? [] : [data])];
    const keys = [this.#lease(key), `${this.#slot(key)}:token`];
    const [predecessor, fields] = list(await this.#connection.run(scripts.acquire, keys, args, signal));
    const record = recordOf(key, fields);
    if (predecessor === null) return { granted: false, current: record };
    if (record === null) throw unreadable(fields);
    return { granted: true, record, predecessor: text(predecessor) as Granted['predecessor'] };
  }

  async renew(
    held: readonly LeaseRecord[],
    patch: LeasePatch,
    signal: AbortSignal,
  ): Promise<readonly (LeaseRecord | null)[]> {
    if (!this.#connection.isCluster) return this.#renewTogether(held, patch, signal);
    return (await Promise.all(held.map((record) => this.#renewTogether([record], patch, signal)))).flat();
  }

  async release(held: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    const data = held.data === undefined ? [] : [held.data];
    const args = [this.#channel, held.key, held.nonce, String(held.token), ...data];
    return Number(await this.#connection.run(scripts.release, [this.#lease(held.key)], args, signal)) === 1;
  }

  async read(key: string, signal: AbortSignal): Promise<LeaseRecord | null> {
    return recordOf(key, await this.#connection.run(scripts.read, [this.#lease(key)], [], signal));
  }

  watch(key: string, signal: AbortSignal): AsyncIterable<unknown> {
    return this.#hints.watch(key, signal);
  }

  async close(): Promise<void> {
    this.#hints.close();
  }

  async #renewTogether(
    held: readonly LeaseRecord[],
    { ttlMs, data }: LeasePatch,
    signal: AbortSignal,
  ): Promise<readonly (LeaseRecord | null)[]> {
    if (held.length === 0) return [];
    const args = [this.#channel, whole(ttlMs), data === undefined ? '0' : '1', data ?? ''];
    for (const { key, nonce, token } of held) args.push(key, nonce, String(token));
    const keys = held.map(({ key }) => this.#lease(key));
    const answers = list(await this.#connection.run(scripts.renew, keys, args, signal));
    return held.map(({ key }, i) => recordOf(key, answers[i] ?? null));
  }

  get #channel(): string {
    return `${this.#prefix}:changes`;
  }

  /** Within braces, for the slot of a cluster is that of what stands in the first pair of them. */
  #slot(key: string): string {
    return `{${this.#prefix}:${key}}`;
  }

  #lease(key: string): string {
    return `${this.#slot(key)}:lease`;
  }
}

function recordOf(key: string, reply: unknown): LeaseRecord | null {
  if (reply === null) return null;
  const [holder, nonce, token, writes, ttl, data, remaining] = list(reply).map((field) => field ?? null);
  if (token === null || nonce === null) return null;
  return {
    key,
    holder: holder === null ? null : text(holder),
    nonce: text(nonce),
    token: BigInt(text(token)),
    version: `${text(token)}.${text(writes)}`,
    ttlMs: Number(text(ttl)),
    ...(Number(remaining) >= 0 && holder !== null && { remainingMs: Number(remaining) }),
    ...(data !== null && { data: text(data) }),
  };
}

/** Clients may have been told to give Buffers. */
const text = (value: unknown): string => String(value);

/** Redis counts in whole milliseconds; a lease may be longer than was asked for, never shorter. */
const whole = (ttlMs: number): string => String(Math.ceil(ttlMs));

function list(reply: unknown): readonly unknown[] {
  if (Array.isArray(reply)) return reply as readonly unknown[];
  throw unreadable(reply);
}

function unreadable(reply: unknown): HoldfastError {
  return new HoldfastError('STORE_FAILED', `Redis answered a script with what cannot be read: ${typeof reply}`);
}
