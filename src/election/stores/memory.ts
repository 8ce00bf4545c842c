import { readOptions } from '../../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../core/runtime.ts';
import { hints } from '../hints.ts';
import type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from '../lease-store.ts';
import { nextToken } from '../token.ts';

/** Options of {@link MemoryLeaseStore}. */
export interface MemoryLeaseStoreOptions {
  /** Where time comes from; leases end by it. */
  readonly runtime?: Runtime | undefined;
}

/** The last of a lease: held, released or expired. */
interface Kept {
  readonly record: LeaseRecord;
  /** By `clock.now()`. */
  readonly endsMs: number;
}

/**
 * Leases in the memory of one process: for tests, simulations, and services of one process that use the same code as those
 * of many. Whoever competes has the same object; two objects know nothing of each other.
 *
 * Promises all that a {@link LeaseStore} does, with leases that end by the injected clock to the millisecond. Tokens are
 * the wall time in milliseconds or one above the last, whichever is more, so that they also rise from one process to the
 * next, as long as the clock is not set back. Does not outlive the process.
 *
 * Complexity: O(1) a call, plus O(watches of the key) a write. Memory for each key ever held, for its token's sake.
 *
 * @example
 * ```ts
 * import { MemoryLeaseStore } from 'holdfast/election';
 *
 * const store = new MemoryLeaseStore();
 * const { signal } = new AbortController();
 * const ann = await store.acquire({ key: 'indexer', holder: 'ann', nonce: '1', ttlMs: 10_000 }, signal);
 * const bob = await store.acquire({ key: 'indexer', holder: 'bob', nonce: '2', ttlMs: 10_000 }, signal);
 * ann.granted // => true
 * bob.granted // => false
 * ```
 */
export class MemoryLeaseStore implements LeaseStore {
  readonly expiry = 'server';
  readonly durability = 'linearizable';
  readonly limits: LeaseLimits = { minTtlMs: 1, stepMs: 1 };
  readonly #runtime: Runtime;
  readonly #leases = new Map<string, Kept>();
  readonly #watchers = new Map<string, Set<() => void>>();
  #writes = 0;

  /**
   * @param options - where time comes from
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options?: MemoryLeaseStoreOptions) {
    this.#runtime = readOptions('MemoryLeaseStore', options, { runtime: runtimeRule }).runtime ?? systemRuntime;
  }

  /** See {@link LeaseStore.acquire}. */
  async acquire(candidacy: Candidacy, signal: AbortSignal): Promise<Granted | Denied> {
    signal.throwIfAborted();
    const { key, holder, nonce, ttlMs, data } = candidacy;
    const last = this.#leases.get(key)?.record;
    const current = this.#current(key);
    if (current !== null && current.nonce !== nonce) return { granted: false, current };
    if (current !== null) {
      const record = this.#write({ ...current, ttlMs, data: data ?? current.data });
      return { granted: true, record, predecessor: 'unknown' };
    }
    const predecessor = last === undefined ? 'none' : last.holder === null ? 'released' : 'expired';
    const token = nextToken(last?.token ?? 0n, this.#runtime.clock.wallNow());
    return { granted: true, record: this.#write({ key, holder, nonce, token, version: '', ttlMs, data }), predecessor };
  }

  /** See {@link LeaseStore.renew}. */
  async renew(
    held: readonly LeaseRecord[],
    patch: LeasePatch,
    signal: AbortSignal,
  ): Promise<readonly (LeaseRecord | null)[]> {
    signal.throwIfAborted();
    return held.map((one) => {
      const current = this.#own(one);
      if (current === null) return null;
      return this.#write({ ...current, ttlMs: patch.ttlMs, data: patch.data ?? current.data });
    });
  }

  /** See {@link LeaseStore.release}. */
  async release(held: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const current = this.#own(held);
    if (current !== null) this.#write({ ...current, holder: null, data: held.data });
    return current !== null;
  }

  /** See {@link LeaseStore.read}. */
  async read(key: string, signal: AbortSignal): Promise<LeaseRecord | null> {
    signal.throwIfAborted();
    const last = this.#leases.get(key)?.record;
    return last?.holder === null ? last : this.#current(key);
  }

  /** See {@link LeaseStore.watch}. Tells once at the start, then of each write, in the same turn; an expiry is no write. */
  watch(key: string, signal: AbortSignal): AsyncIterable<unknown> {
    return hints(signal, (tell) => {
      const watchers = this.#watchers.get(key) ?? new Set();
      this.#watchers.set(key, watchers.add(tell));
      tell();
      return () => {
        watchers.delete(tell);
        if (watchers.size === 0) this.#watchers.delete(key);
      };
    });
  }

  /** The lease as somebody holds it now. */
  #current(key: string): LeaseRecord | null {
    const kept = this.#leases.get(key);
    if (kept === undefined || kept.record.holder === null) return null;
    const remainingMs = kept.endsMs - this.#runtime.clock.now();
    return remainingMs > 0 ? { ...kept.record, remainingMs } : null;
  }

  /** The same, if it is that of `held`. */
  #own({ key, nonce, token }: LeaseRecord): LeaseRecord | null {
    const current = this.#current(key);
    return current?.nonce === nonce && current.token === token ? current : null;
  }

  #write(changed: LeaseRecord): LeaseRecord {
    const version = String(++this.#writes);
    const record: LeaseRecord = {
      ...changed,
      version,
      remainingMs: changed.holder === null ? undefined : changed.ttlMs,
    };
    this.#leases.set(record.key, { record, endsMs: this.#runtime.clock.now() + record.ttlMs });
    for (const tell of this.#watchers.get(record.key) ?? []) tell();
    return record;
  }
}
