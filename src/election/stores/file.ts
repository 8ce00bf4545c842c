/**
 * Leases in a folder: one of many processes of a host leads, without a server.
 *
 * @module holdfast/election/file
 */
import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { check, readOptions, type Rule } from '../../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime, uniqueOf } from '../../core/runtime.ts';
import { onAbort } from '../../core/signals.ts';
import { hints } from '../hints.ts';
import type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from '../lease-store.ts';
import { nextToken } from '../token.ts';
import { type Entry, FileLog } from './file-log.ts';
import { folderOf } from './file-name.ts';

/** Options of {@link FileLeaseStore}. */
export interface FileLeaseStoreOptions {
  /** Where the floor of tokens (`clock.wallNow`) and the names of entries (`unique`) come from. */
  readonly runtime?: Runtime | undefined;
}

/** What an entry says of a lease. Its version is the entry's. */
interface Lease {
  readonly key: string;
  readonly holder: string | null;
  readonly nonce: string;
  readonly token: string;
  readonly ttlMs: number;
  readonly data?: string | undefined;
}

/** What to do about the newest record: to write another and then answer, or to answer. */
type Decision<T> = { readonly write: LeaseRecord; readonly then: (record: LeaseRecord) => T } | { readonly answer: T };

const path: Rule<string> = {
  expected: 'the path of a folder',
  accepts: (value) => typeof value === 'string' && value !== '',
};

/**
 * Leases in a folder that processes of one host share. Each lease has a folder of its own in it, a log of what happened to
 * it: each grant, renewal and release is a file, written aside, flushed, and then linked to the next free number. The file
 * system links a name once only, and that is the whole agreement: whoever comes second reads what the first has written.
 *
 * Promises all that a {@link LeaseStore} does, for processes that may be killed at any moment: an entry is whole or is not
 * there. What a killed process leaves is a draft, which a later writer removes after a minute. Files that are not entries
 * and entries that nobody can read are passed over. No process reads another's clock: candidates declare a lease dead when
 * its version has not changed for its length (`expiry: 'observer'`). Tokens are the wall time in milliseconds or one above
 * the last, so they rise also over a folder that was emptied, as long as the clock is not set back.
 *
 * Does not promise to keep the newest entries over a loss of power: content is flushed before it is linked, the link is
 * not. The holders of that host are gone with it, and the clock keeps the tokens rising. Needs hard links: not on FAT. A
 * network file system does if its link is atomic and its listings are never stale, which NFS promises for the first and,
 * with attributes cached, not for the second; take a server that was made for it where there is one.
 *
 * Complexity: a write is about ten calls of the file system with one flush, a read two. A lease keeps 32 to 64 entries.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { FileLeaseStore } from 'holdfast/election/file';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'leases-'));
 * const store = new FileLeaseStore(folder);
 * const { signal } = new AbortController();
 * const ann = await store.acquire({ key: 'indexer', holder: 'ann', nonce: '1', ttlMs: 10_000 }, signal);
 * const bob = await store.acquire({ key: 'indexer', holder: 'bob', nonce: '2', ttlMs: 10_000 }, signal);
 * ann.granted // => true
 * bob.granted // => false
 * await rm(folder, { recursive: true });
 * ```
 */
export class FileLeaseStore implements LeaseStore {
  readonly expiry = 'observer';
  readonly durability = 'linearizable';
  readonly limits: LeaseLimits = { minTtlMs: 1, stepMs: 1 };
  readonly #folder: string;
  readonly #runtime: Runtime;

  /**
   * @param folder - where the leases are; made when the first is taken
   * @param options - where time and chance come from
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(folder: string, options?: FileLeaseStoreOptions) {
    this.#folder = check('folder', folder, path);
    this.#runtime = readOptions('FileLeaseStore', options, { runtime: runtimeRule }).runtime ?? systemRuntime;
  }

  /** See {@link LeaseStore.acquire}. Rejects with what the file system says when it cannot. */
  acquire(candidacy: Candidacy, signal: AbortSignal): Promise<Granted | Denied> {
    const { key, holder, nonce, ttlMs, data, expectDead } = candidacy;
    return this.#change<Granted | Denied>(key, signal, (last) => {
      if (last !== null && last.holder !== null && last.nonce === nonce) {
        const write = { ...last, ttlMs, data: data ?? last.data };
        return { write, then: (record) => ({ granted: true, record, predecessor: 'unknown' }) };
      }
      if (last !== null && last.holder !== null && last.version !== expectDead)
        return { answer: { granted: false, current: last } };
      const token = nextToken(last?.token ?? 0n, this.#runtime.clock.wallNow());
      const predecessor = last === null ? 'none' : last.holder === null ? 'released' : 'expired';
      const write = { key, holder, nonce, token, version: '', ttlMs, data };
      return { write, then: (record) => ({ granted: true, record, predecessor }) };
    });
  }

  /** See {@link LeaseStore.renew}. Each lease is a log of its own: nothing is saved by renewing many at once. */
  async renew(
    held: readonly LeaseRecord[],
    patch: LeasePatch,
    signal: AbortSignal,
  ): Promise<readonly (LeaseRecord | null)[]> {
    signal.throwIfAborted();
    const renewals = held.map((one) =>
      this.#change<LeaseRecord | null>(one.key, signal, (last) => {
        if (last === null || !isOwn(last, one)) return { answer: null };
        const write = { ...last, ttlMs: patch.ttlMs, data: patch.data ?? last.data };
        return { write, then: (record) => record };
      }),
    );
    await Promise.allSettled(renewals); // nothing goes on when this has been answered
    return await Promise.all(renewals);
  }

  /** See {@link LeaseStore.release}. */
  release(held: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    return this.#change(held.key, signal, (last) => {
      if (last === null || !isOwn(last, held)) return { answer: false };
      return { write: { ...last, holder: null, data: held.data }, then: () => true };
    });
  }

  /** See {@link LeaseStore.read}. */
  read(key: string, signal: AbortSignal): Promise<LeaseRecord | null> {
    return this.#change<LeaseRecord | null>(key, signal, (last) => ({ answer: last }));
  }

  /** See {@link LeaseStore.watch}. Tells of entries as the file system does; a network file system tells of one's own only. */
  watch(key: string, signal: AbortSignal): AsyncIterable<unknown> {
    const { folder } = this.#log(key);
    return hints(signal, (tell, fail) => {
      let close: (() => void) | undefined;
      let over = false;
      const begin = async (): Promise<void> => {
        await mkdir(folder, { recursive: true });
        if (over) return;
        const watcher = watch(folder, { persistent: false }, (_, name) => {
          if (name?.endsWith('.json') ?? true) tell();
        });
        watcher.on('error', fail);
        close = () => {
          watcher.close();
        };
        tell(); // what happened before the watch began
      };
      begin().catch(fail);
      return () => {
        over = true;
        close?.();
      };
    });
  }

  /** Decides on the newest record until what is to be written comes right after it. */
  #change<T>(key: string, signal: AbortSignal, decide: (last: LeaseRecord | null) => Decision<T>): Promise<T> {
    const log = this.#log(key);
    return answered(signal, async () => {
      for (;;) {
        const end = await log.end(signal);
        signal.throwIfAborted();
        const decision = decide(end.entry === undefined ? null : recordOf(end.entry));
        if ('answer' in decision) return decision.answer;
        const entry = await log.append(end, leaseOf(decision.write), signal);
        if (entry !== undefined) return decision.then(recordOf(entry));
      }
    });
  }

  #log(key: string): FileLog<Lease> {
    return new FileLog(
      join(this.#folder, folderOf(key)),
      () => uniqueOf(this.#runtime),
      (value) => leaseIn(value, key),
    );
  }
}

/** What the work answers, or the reason of the signal as soon as it aborts; the work looks at the signal itself too. */
function answered<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlink = onAbort(signal, reject);
    if (!signal.aborted) work().then(resolve, reject).finally(unlink);
  });
}

function isOwn(last: LeaseRecord, { nonce, token }: LeaseRecord): boolean {
  return last.holder !== null && last.nonce === nonce && last.token === token;
}

function recordOf({ seq, id, value }: Entry<Lease>): LeaseRecord {
  return { ...value, token: BigInt(value.token), version: `${String(seq)}-${id}` };
}

function leaseOf({ key, holder, nonce, token, ttlMs, data }: LeaseRecord): Lease {
  return { key, holder, nonce, token: String(token), ttlMs, data };
}

/** The lease that a value tells of, if it is one of that key. */
function leaseIn(value: unknown, key: string): Lease | undefined {
  const lease = value as Partial<Lease> | null | undefined;
  const isLease =
    lease?.key === key &&
    (lease.holder === null || typeof lease.holder === 'string') &&
    typeof lease.nonce === 'string' &&
    typeof lease.token === 'string' &&
    /^\d+$/.test(lease.token) &&
    typeof lease.ttlMs === 'number' &&
    (lease.data === undefined || typeof lease.data === 'string');
  return isLease ? (lease as Lease) : undefined;
}
