/**
 * Jobs in a folder: a queue of one process that loses nothing when the process is killed, without a server.
 *
 * @module holdfast/queue/journal
 */
import { boolean, check, number, oneOf, readOptions, type Rule } from '../../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../../core/runtime.ts';
import type {
  DeadJobs,
  JobLease,
  JobOutcome,
  LeasedJob,
  NewJob,
  PutResult,
  QueueStore,
  Room,
  StoreCaps,
  StoreCounts,
} from '../queue-store.ts';
import { nodeFiles } from './journal/files.ts';
import { Journal } from './journal/journal.ts';
import { processes } from './journal/owner.ts';
import type { BacklogOptions } from './memory.ts';

/** Options of {@link JournalQueueStore}. */
export interface JournalQueueStoreOptions extends BacklogOptions {
  /**
   * When what was written goes to the disk.
   *
   * - `batch`: `put`, `settle`, `cancel` resolve when it has; one sync serves all that came while the last one ran. A lease
   *   is handed out when the operating system has its entry: it outlives the process, and, some milliseconds later, the
   *   machine.
   * - `always`: leases wait for the disk too.
   * - `os`: when the operating system likes. Outlives the end of the process, not that of the machine.
   *
   * @defaultValue `batch`
   */
  readonly fsync?: 'batch' | 'always' | 'os' | undefined;
  /**
   * The most bytes that the data of a job may have, as JSON.
   *
   * @defaultValue 1,048,576
   */
  readonly maxDataBytes?: number | undefined;
  /**
   * How large a file of the journal grows, in bytes. Files are rewritten when more than half of them is dead weight, and
   * that is at least two files' worth.
   *
   * @defaultValue 8,388,608
   */
  readonly segmentBytes?: number | undefined;
  /**
   * Opens a damaged journal too, with all that can be read of it. Some of what was accepted may be missing, some of what
   * was done may be there again.
   *
   * @defaultValue false: a journal that has lost what was synced is refused
   */
  readonly salvage?: boolean | undefined;
  /**
   * Time, and the chance in the names of drafts. What is delayed over a restart is counted on `clock.wallNow`.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What was wrong with a journal that could be opened all the same: see {@link JournalQueueStore.damage}. */
export interface JournalDamage {
  /**
   * Where it was cut, though what was there had been synced: the file, the byte of its first damaged line, and how many
   * whole entries there were behind it, two at most.
   */
  readonly cut?:
    | {
        /** The file. */
        readonly file: string;
        /** The byte. */
        readonly offset: number;
        /** How many whole entries were behind it. */
        readonly entries: number;
      }
    | undefined;
  /** The damaged lines that a salvage has passed over. */
  readonly skipped: readonly {
    /** The file. */
    readonly file: string;
    /** The byte. */
    readonly offset: number;
  }[];
}

const folderRule: Rule<string> = {
  expected: 'the path of a folder',
  accepts: (value) => typeof value === 'string' && value !== '',
};

const mebibyte = 1_048_576;

/**
 * Jobs in a folder, for one process at a time: an append-only log of what happens to them, a copy in memory that answers.
 *
 * Promises what {@link QueueStore} does, for a process that may be killed at any moment, and for a machine that may lose
 * power (but for `fsync: 'os'`). What `put` has answered `added` is there after a restart, unless it was done, cancelled,
 * dropped or purged. What was leased is ready again then, with `crashes` one higher; fences go on rising. A line that a
 * crash has cut short is cut off, it was never acknowledged; a journal that has lost what was synced is refused
 * (`STORE_FAILED`, with file and byte) unless it is to be salvaged. Damage to the very last three entries, which is how a
 * disk looks that lied about a sync, is cut off too, and {@link JournalQueueStore.damage} says so. After an error of the
 * file system, a full disk too, every call rejects with `STORE_FAILED` and nothing is said to be done that is not: close it
 * and open another. The size on the disk is bounded by about twice that of the living jobs and a few files.
 *
 * Does not promise to survive a file system that does not do as `fsync` says, nor to share its folder: a second store is
 * refused (`UNSUPPORTED`) while the process of the first lives, which is told by process number, start time and boot id,
 * where the platform has them. So it belongs on a disk of this machine, which no other machine or container uses at the
 * same time. Needs hard links: not on FAT.
 *
 * Data must be JSON: what would come back as something else is refused with its path (`INVALID_OPTION`). Folder and files
 * are readable by their owner only.
 *
 * Complexity: in memory as {@link MemoryQueueStore}; opening reads the whole journal.
 *
 * @example
 * ```ts
 * import { mkdtemp, rm } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { JournalQueueStore } from 'holdfast/queue/journal';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'jobs-'));
 * const before = new JournalQueueStore<string>(folder);
 * await before.open();
 * await before.put([{ id: 'a', data: 'hello' }], { max: 1_000, overflow: 'reject' });
 * await before.pull(1, 30_000);
 * await before.close();
 *
 * const after = new JournalQueueStore<string>(folder);
 * await after.open();
 * const [job] = await after.pull(1, 30_000);
 * job?.data // => 'hello'
 * job?.crashes // => 1
 * await after.close();
 * await rm(folder, { recursive: true });
 * ```
 */
export class JournalQueueStore<D> implements QueueStore<D> {
  /** What it can do. */
  readonly caps: StoreCaps = {
    durable: true,
    shared: false,
    priority: true,
    aging: true,
    delay: true,
    keys: true,
    dedupe: ['reject', 'replace', 'rerun'],
    drop: true,
    maxLeaseMs: Infinity,
  };
  /** What was given up. */
  readonly dead: DeadJobs<D> = {
    list: () => this.#journal.listDead(),
    redrive: (ids) => this.#journal.redrive(ids),
    purge: (ids) => this.#journal.purge(ids),
  };
  readonly #journal: Journal<D>;
  #damage: JournalDamage = { skipped: [] };

  /**
   * @param folder - where the journal is; made if it is not there
   * @param options - how safe, how large, in which order
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(folder: string, options?: JournalQueueStoreOptions) {
    const {
      agingMs,
      keyLimit = 1,
      keyOrder = 'strict',
      maxDead = 10_000,
      fsync = 'batch',
      maxDataBytes = mebibyte,
      segmentBytes = 8 * mebibyte,
      salvage = false,
      runtime = systemRuntime,
    } = readOptions('JournalQueueStore', options, {
      agingMs: number({ min: 1 }),
      keyLimit: number({ min: 1, integer: true }),
      keyOrder: oneOf('strict', 'skip'),
      maxDead: number({ min: 0, integer: true }),
      fsync: oneOf('batch', 'always', 'os'),
      maxDataBytes: number({ min: 1, max: 256 * mebibyte, integer: true }),
      segmentBytes: number({ min: 1_024, max: 1_024 * mebibyte, integer: true }),
      salvage: boolean,
      runtime: runtimeRule,
    });
    const settings = { agingMs, keyLimit, keyOrder, maxDead, fsync, maxDataBytes, segmentBytes, salvage };
    const { clock, random } = runtime;
    this.#journal = new Journal(check('folder', folder, folderRule), settings, {
      clock,
      random,
      files: nodeFiles,
      processes,
    });
  }

  /** What was wrong with the journal when it was opened. What a crash has left unfinished at its end is not. */
  get damage(): JournalDamage {
    return this.#damage;
  }

  /**
   * Reads the journal, and takes the folder for this process.
   *
   * @throws {@link HoldfastError} `UNSUPPORTED` when another store has the folder; `STORE_FAILED` when the journal is damaged,
   * or the file system fails
   */
  async open(): Promise<void> {
    this.#damage = await this.#journal.open();
  }

  /** Keeps jobs. */
  put(jobs: readonly NewJob<D>[], room: Room): Promise<readonly PutResult[]> {
    return this.#journal.put(jobs, room);
  }

  /** Leases up to `max` jobs. */
  pull(max: number, leaseMs: number): Promise<readonly LeasedJob<D>[]> {
    return this.#journal.pull(max, leaseMs);
  }

  /** Makes leases last for `leaseMs` from now. */
  extend(leases: readonly JobLease[], leaseMs: number): Promise<readonly boolean[]> {
    return this.#journal.extend(leases, leaseMs);
  }

  /** Ends leases. */
  settle(outcomes: readonly JobOutcome[]): Promise<readonly boolean[]> {
    return this.#journal.settle(outcomes);
  }

  /** Takes back jobs that nobody holds. */
  cancel(ids: readonly string[]): Promise<readonly boolean[]> {
    return this.#journal.cancel(ids);
  }

  /** How many jobs are where. */
  counts(): Promise<StoreCounts> {
    return this.#journal.counts();
  }

  /** Has `onWake` called when something may have become ready. */
  wake(onWake: () => void): () => void {
    return this.#journal.wake(onWake);
  }

  /**
   * Writes what is not written yet, and gives the folder back. A store that has failed closes too.
   *
   * @throws {@link HoldfastError} `STORE_FAILED` when the folder cannot be given back: it is free when the process has ended
   */
  close(): Promise<void> {
    return this.#journal.close();
  }
}
