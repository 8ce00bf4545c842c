/**
 * Leases of elections in etcd.
 *
 * @module holdfast/election/etcd
 */
import { systemClock } from '../../core/clock.ts';
import { HoldfastError } from '../../core/errors.ts';
import { check, func, readOptions, type Rule } from '../../core/options.ts';
import { onAbort } from '../../core/signals.ts';
import { hints } from '../hints.ts';
import type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from '../lease-store.ts';
import { Cluster, type Look, rangeOf } from './etcd/cluster.ts';
import { candidateKey, candidatesOf, type CandidateRange, readCandidate, writeCandidate } from './etcd/format.ts';
import { Gateway } from './etcd/gateway.ts';
import { type Held, holds, isCandidacy, noLease, recordOf } from './etcd/record.ts';
import { closed } from './shared-hints.ts';

/** The headers of each request. */
export type EtcdHeaders = Readonly<Record<string, string>>;

/** Where an {@link EtcdLeaseStore} finds etcd, and what it calls its leases. */
export interface EtcdLeaseStoreOptions {
  /** The members' client URLs, `http://10.0.0.1:2379`; one is asked, the next after a failure. */
  readonly endpoints: readonly string[];
  /**
   * Begins every key. The election `KEY` is that of `etcdctl elect PREFIX/KEY`.
   *
   * @defaultValue `'holdfast'`
   */
  readonly prefix?: string | undefined;
  /**
   * For client certificates or a proxy.
   *
   * @defaultValue the global `fetch`
   */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** With each request, for example a token in `authorization`; a function is asked each time. */
  readonly headers?: EtcdHeaders | (() => EtcdHeaders) | undefined;
}

const endpointsRule: Rule<readonly string[]> = {
  expected: 'an array of at least one http: or https: URL',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every(isEndpoint),
};

const isEndpoint = (value: unknown): boolean => typeof value === 'string' && /^https?:\/\/[^/?#]+\/?$/.test(value);

const prefixRule: Rule<string> = {
  expected: 'a string that is not empty and does not end with a slash',
  accepts: (value) => typeof value === 'string' && /[^/]$/.test(value),
};

const headersRule: Rule<EtcdHeaders | (() => EtcdHeaders)> = {
  expected: 'an object or a function',
  accepts: (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
};

/**
 * Leases in etcd 3.4 or later, over its JSON gateway and `fetch`: no gRPC, no client library.
 *
 * The elections are those of Go's package `concurrency` and of `etcdctl elect`: candidates of either kind deny each other, and
 * each sees who leads. Go's wait in a queue, and this store enters only when nobody is in it. Values of other software are read as
 * the name of the holder.
 *
 * - A lease is granted once, then one transaction enters the candidate if there is no other. Who is denied has made one read.
 * - A renewal is a read and a keep-alive for each lease, all at once, and writes only data that changed: it costs etcd no
 *   write, and the record keeps its `version`. It makes a lease longer when that is asked for, never shorter.
 * - Lengths are whole seconds, at least two; etcd may grant more, and the record tells how much.
 * - Tokens are the revision of the grant plus an epoch, which the first grant in an empty etcd sets to its own date, in
 *   microseconds: they grow also after everything was wiped, if that clock was right and there were less than a million writes a
 *   second. Go's `Rev()` is the token less the epoch, which is the value of the key `PREFIX:epoch`.
 * - `predecessor` is always `'unknown'`: etcd forgets what it has deleted.
 *
 * `durability` is `'linearizable'`, as etcd is. A member that was restored from a backup alone is an older etcd: restore with
 * `--bump-revision`, or delete the key `PREFIX:epoch`.
 *
 * @example
 * ```ts
 * import { EtcdLeaseStore } from 'holdfast/election/etcd';
 *
 * const store = new EtcdLeaseStore({ endpoints: ['http://127.0.0.1:2379'], prefix: 'elections' });
 * store.limits // => { minTtlMs: 2_000, stepMs: 1_000 }
 * ```
 */
export class EtcdLeaseStore implements LeaseStore {
  readonly expiry = 'server';
  readonly durability = 'linearizable';
  readonly limits: LeaseLimits = { minTtlMs: 2_000, stepMs: 1_000 };
  readonly #cluster: Cluster;
  readonly #gateway: Gateway;
  readonly #prefix: string;
  readonly #closing = new AbortController();

  /**
   * @param options - where etcd is
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options: EtcdLeaseStoreOptions) {
    const shape = {
      endpoints: endpointsRule,
      prefix: prefixRule,
      fetch: func<typeof globalThis.fetch>(),
      headers: headersRule,
    };
    const given = readOptions('EtcdLeaseStore', options, shape);
    const endpoints = check('endpoints', given.endpoints, endpointsRule).map((url) => url.replace(/\/$/, ''));
    const { headers = {} } = given;
    this.#prefix = given.prefix ?? 'holdfast';
    this.#gateway = new Gateway({
      endpoints,
      fetch: given.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      headers: typeof headers === 'function' ? headers : () => headers,
    });
    this.#cluster = new Cluster(this.#gateway.ask, this.#prefix);
  }

  async acquire(candidacy: Candidacy, signal: AbortSignal): Promise<Granted | Denied> {
    const { key, ttlMs } = candidacy;
    const range = this.#range(key);
    const look = await this.#cluster.look(range, signal);
    if (look.leader === null) return this.#enter(range, look, candidacy, signal);
    if (!isCandidacy(look, candidacy)) return this.#denied(key, look, signal);
    // The answer to an earlier call was lost. Written again, it is what this call says.
    const value = writeCandidate(candidacy);
    const record = await this.#prolong(range, key, look, { ttlMs, value, write: true }, signal);
    if (record === null) return { granted: false, current: null };
    return { granted: true, record, predecessor: 'unknown' };
  }

  async renew(
    held: readonly LeaseRecord[],
    patch: LeasePatch,
    signal: AbortSignal,
  ): Promise<readonly (LeaseRecord | null)[]> {
    return Promise.all(held.map((record) => this.#renewOne(record, patch, signal)));
  }

  async release(held: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    const range = this.#range(held.key);
    const look = await this.#cluster.look(range, signal);
    if (!holds(held, look)) return false;
    const { done } = await this.#cluster.change(range, look.leader, 'delete', signal);
    if (done) await this.#forget(look.leader.lease, signal);
    return done;
  }

  async read(key: string, signal: AbortSignal): Promise<LeaseRecord | null> {
    return this.#recordOf(key, await this.#cluster.look(this.#range(key), signal), signal);
  }

  watch(key: string, signal: AbortSignal): AsyncIterable<unknown> {
    return hints(signal, (tell, fail) => {
      const ending = new AbortController();
      const unlink = onAbort(this.#closing.signal, fail);
      if (!signal.aborted) this.#follow(key, tell, ending.signal).catch(fail);
      return () => {
        unlink();
        ending.abort();
      };
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(closed());
  }

  #range(key: string): CandidateRange {
    return candidatesOf(this.#prefix, key);
  }

  /** The first answer says that the watch has begun, which is a hint, too; the last may say that it was cancelled. */
  async #follow(key: string, tell: () => void, signal: AbortSignal): Promise<void> {
    for await (const answer of this.#gateway.stream('watch', { create_request: rangeOf(this.#range(key)) }, signal)) {
      if ((answer as { readonly canceled?: boolean }).canceled === true) throw canceled(answer);
      tell();
    }
  }

  async #enter(
    range: CandidateRange,
    { epoch }: Look,
    candidacy: Candidacy,
    signal: AbortSignal,
  ): Promise<Granted | Denied> {
    const lease = await this.#cluster.grant(candidacy.ttlMs, signal);
    const entry = { key: candidateKey(range, lease.id), value: writeCandidate(candidacy), lease: lease.id };
    const first = BigInt(systemClock.wallNow()) * 1000n;
    const change = await this.#cluster.enter(range, entry, { seen: epoch, first }, signal);
    if (!change.done) {
      await this.#forget(lease.id, signal);
      return this.#denied(candidacy.key, change.look, signal);
    }
    const { revision } = change;
    const leader = { ...entry, createRevision: revision, modRevision: revision };
    const record = recordOf(candidacy.key, leader, epoch ?? first, { ttlMs: lease.ttlMs, remainingMs: lease.ttlMs });
    return { granted: true, record, predecessor: 'unknown' };
  }

  async #renewOne(held: LeaseRecord, { ttlMs, data }: LeasePatch, signal: AbortSignal): Promise<LeaseRecord | null> {
    const range = this.#range(held.key);
    const look = await this.#cluster.look(range, signal);
    if (!holds(held, look)) return null;
    const was = readCandidate(look.leader.value, look.leader.lease);
    const value = data === undefined || data === was.data ? look.leader.value : writeCandidate({ ...was, data });
    const write = value !== look.leader.value;
    return this.#prolong(range, held.key, look, { ttlMs, value, write }, signal);
  }

  /** Keeps the leader's lease alive, under a longer one where that is needed, and writes what has changed. */
  async #prolong(
    range: CandidateRange,
    key: string,
    { leader, epoch }: Held,
    next: { readonly ttlMs: number; readonly value: string; readonly write: boolean },
    signal: AbortSignal,
  ): Promise<LeaseRecord | null> {
    const grantedMs = await this.#cluster.keepAlive(leader.lease, signal);
    if (grantedMs === null) return null;
    const longer = next.ttlMs > grantedMs ? await this.#cluster.grant(next.ttlMs, signal) : undefined;
    const { id, ttlMs } = longer ?? { id: leader.lease, ttlMs: grantedMs };
    const time = { ttlMs, remainingMs: ttlMs };
    if (!next.write && longer === undefined) return recordOf(key, leader, epoch, time);
    const written = { value: next.value, lease: id };
    const change = await this.#cluster.change(range, leader, written, signal);
    // The key hangs on the longer lease now, or there is none.
    if (longer !== undefined) await this.#forget(change.done ? leader.lease : longer.id, signal);
    if (!change.done) return null;
    return recordOf(key, { ...leader, ...written, modRevision: change.revision }, epoch, time);
  }

  async #denied(key: string, look: Look, signal: AbortSignal): Promise<Denied> {
    return { granted: false, current: await this.#recordOf(key, look, signal) };
  }

  async #recordOf(key: string, { leader, epoch }: Look, signal: AbortSignal): Promise<LeaseRecord | null> {
    if (leader === null) return null;
    const time = leader.lease === '0' ? noLease : await this.#cluster.timeToLive(leader.lease, signal);
    return time === null ? null : recordOf(key, leader, epoch, time);
  }

  /** Revokes a lease on which nothing hangs any more. Where that fails, it ends by itself; what matters is done. */
  async #forget(lease: string, signal: AbortSignal): Promise<void> {
    await this.#cluster.revoke(lease, signal).catch(() => undefined);
  }
}

function canceled(answer: unknown): HoldfastError {
  const { cancel_reason = 'without a reason' } = answer as { readonly cancel_reason?: string };
  return new HoldfastError('STORE_FAILED', `etcd has cancelled a watch: ${cancel_reason}`);
}
