/*
 * Lines are gathered into batches, batches are written one after the other, and one sync makes safe all that was written
 * before it. While it runs, the next batch gathers: the slower the disk, the more goes into one sync.
 *
 * After the first error nothing is tried again. A sync that failed may have dropped what it was to save, and the next one
 * would say that all is well.
 */
import { join } from 'node:path';
import type { Clock, Timer } from '../../../core/clock.ts';
import type { Files, LogFile } from './files.ts';
import { lineOf } from './line.ts';
import { markPayload } from './record.ts';

/**
 * @internal When the journal syncs: one sync for all that came while the last one ran, sooner or later (`batch`) or at once
 * (`always`); or, but for the ends of files, when the operating system likes to (`os`).
 */
export type Fsync = 'batch' | 'always' | 'os';

/** So long may a line that nobody waits for stay unsynced. */
const patienceMs = 5;

/** A promise and what settles it. */
class Deferred {
  readonly promise: Promise<void>;
  resolve!: () => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => undefined); // who waits is told; that nobody waits is no error
  }
}

/** Lines that are written together. */
class Batch {
  readonly segment: number;
  readonly lines: string[] = [];
  readonly written = new Deferred();
  readonly synced = new Deferred();
  /** After how many entries of the journal it ends. */
  entries = 0;
  /** Whether somebody waits for the sync. */
  isAwaited = false;

  constructor(segment: number) {
    this.segment = segment;
  }
}

/** @internal Where and how to write. */
export interface GroupCommitOptions {
  readonly files: Files;
  readonly folder: string;
  readonly fsync: Fsync;
  readonly clock: Clock;
  /** The last file that is there; the first that is written comes after it. */
  readonly after: number;
  /** May append more; called before each batch is written. */
  readonly beforeWrite: () => void;
  /** What the first line of a file says. */
  readonly headerOf: (segment: number, after: number) => string;
  /** Whether a sync up to so many entries would be of use, though nobody waits for it. */
  readonly isSyncOfUse: (entries: number) => boolean;
  /** So many entries are on the disk. The next sync waits for it. */
  readonly afterSync: (entries: number) => Promise<void>;
  /** What everybody is told after the first error. */
  readonly failed: (cause: unknown) => Error;
}

/** @internal */
export const segmentName = (number: number): string => `${String(number).padStart(12, '0')}.journal`;

/** @internal */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #queue: Batch[] = [];
  /** The batch that takes lines: the last of the queue, if it is not being written. */
  #gathering: Batch | undefined;
  #last: Batch | undefined;
  /** Those that were written, and perhaps are being synced. */
  readonly #unsynced: Batch[] = [];
  #file: LogFile | undefined;
  #segment: number;
  #offset = 0;
  /** How much of the file is synced, and how much of it a mark says to be. */
  #syncedOffset = 0;
  #markedOffset = 0;
  #writing: Promise<void> | undefined;
  #syncing: Promise<void> | undefined;
  #timer: Timer | undefined;
  #failure: Error | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#segment = options.after;
  }

  /** The number of the file that is written to: it is on the disk, and so is its name. */
  get segment(): number {
    return this.#segment;
  }

  /** What has ended it. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Begins the first file; it is on the disk when this resolves. */
  async begin(segment: number): Promise<void> {
    try {
      await this.#turnTo(segment);
    } catch (error) {
      throw this.#fail(error);
    }
  }

  /**
   * Takes a line for a file.
   *
   * @param segment - the number of the file, never lower than the last
   * @param entries - how many entries there are with it
   */
  append(line: string, segment: number, entries: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#gathering?.segment !== segment) {
      this.#gathering = this.#last = new Batch(segment);
      this.#queue.push(this.#gathering);
    }
    this.#gathering.lines.push(line);
    this.#gathering.entries = entries;
    this.#writing ??= this.#write();
  }

  /** Resolves when the operating system has all that was appended: a process that is killed does not take it along. */
  written(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#last === undefined ? Promise.resolve() : this.#last.written.promise;
  }

  /** Resolves when all that was appended is as safe as it was asked for: on the disk, but for `os`. */
  synced(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const last = this.#last;
    if (last === undefined) return Promise.resolve();
    last.isAwaited = true;
    if (this.#unsynced.includes(last)) this.#startSync();
    return last.synced.promise;
  }

  /** Resolves when all that was appended is on the disk, whatever was asked for. */
  async flush(): Promise<void> {
    await this.#writing;
    await this.#syncAll();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes what was appended, syncs it, says so, and lets go of the file. Never rejects. */
  async close(): Promise<void> {
    try {
      await this.flush();
      await this.#file?.write(Buffer.from(this.#mark()));
    } catch {
      // Everybody who waited has been told.
    }
    this.#timer?.cancel();
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
  }

  async #write(): Promise<void> {
    try {
      await Promise.resolve(); // what is appended in this turn goes together
      for (;;) {
        this.#options.beforeWrite();
        const batch = this.#queue[0];
        if (batch === undefined) break;
        if (batch === this.#gathering) this.#gathering = undefined;
        if (batch.segment !== this.#segment) await this.#turnTo(batch.segment);
        const bytes = Buffer.from(this.#mark() + batch.lines.join(''));
        await this.#file!.write(bytes);
        if (this.#failure !== undefined) break; // a sync has failed meanwhile
        this.#offset += bytes.length;
        this.#queue.shift();
        this.#unsynced.push(batch);
        batch.written.resolve();
        this.#wrote(batch);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#writing = undefined;
  }

  /** Sees to it that a batch is synced when it should be. */
  #wrote(batch: Batch): void {
    const { fsync, clock, isSyncOfUse } = this.#options;
    if (fsync === 'os') batch.synced.resolve();
    const isWanted = fsync === 'always' || (fsync === 'batch' && batch.isAwaited);
    if (isWanted || isSyncOfUse(batch.entries)) this.#startSync();
    else if (fsync === 'batch') this.#timer ??= clock.setTimer(patienceMs, () => this.#startSync());
  }

  #startSync(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#unsynced.length === 0) return;
    this.#syncing ??= this.#sync().finally(() => {
      this.#syncing = undefined;
    });
  }

  async #sync(): Promise<void> {
    try {
      do await this.#syncOnce();
      while (this.#unsynced.some(({ isAwaited }) => isAwaited) && this.#options.fsync !== 'os');
    } catch (error) {
      this.#fail(error);
    }
  }

  async #syncOnce(): Promise<void> {
    const offset = this.#offset;
    const batches = [...this.#unsynced];
    await this.#file!.sync();
    if (this.#failure !== undefined) return;
    this.#syncedOffset = offset;
    this.#unsynced.splice(0, batches.length);
    for (const batch of batches) batch.synced.resolve();
    await this.#options.afterSync(batches.at(-1)?.entries ?? 0);
  }

  /** Ends a file and begins the next: the last one is synced, and so is the new one's name, before anything is in it. */
  async #turnTo(segment: number): Promise<void> {
    const { files, folder, headerOf } = this.#options;
    if (this.#file !== undefined) {
      await this.#syncAll();
      if (this.#failure !== undefined) throw this.#failure;
      await this.#file.close();
    }
    const header = Buffer.from(lineOf(headerOf(segment, this.#segment)));
    this.#file = await files.create(join(folder, segmentName(segment)));
    await this.#file.write(header);
    await this.#file.sync();
    await files.syncFolder(folder);
    this.#segment = segment;
    this.#offset = this.#syncedOffset = this.#markedOffset = header.length;
  }

  async #syncAll(): Promise<void> {
    await this.#syncing;
    if (this.#unsynced.length > 0) this.#startSync();
    await this.#syncing;
  }

  /** A line that says what is synced of this file, if that is not known yet. */
  #mark(): string {
    if (this.#syncedOffset === this.#markedOffset) return '';
    this.#markedOffset = this.#syncedOffset;
    return lineOf(markPayload(this.#syncedOffset));
  }

  #fail(cause: unknown): Error {
    this.#failure ??= this.#options.failed(cause);
    this.#timer?.cancel();
    for (const { written, synced } of [...this.#unsynced, ...this.#queue]) {
      written.reject(this.#failure);
      synced.reject(this.#failure);
    }
    this.#queue.length = this.#unsynced.length = 0;
    return this.#failure;
  }
}
