/*
 * A log of the states of keys, in files of bounded size. Who appends does it in one turn with the change in memory, so the
 * order in the log is the order in which it happened; when it is safe is asked for apart.
 */
import { join } from 'node:path';
import type { Clock } from '../../../core/clock.ts';
import { HoldfastError, isHoldfastError } from '../../../core/errors.ts';
import type { Files } from './files.ts';
import { type Fsync, GroupCommit, segmentName } from './group-commit.ts';
import { lineOf, lineOverhead } from './line.ts';
import { type Entry, forgetPayload, headerPayload, keepPayload, notePayload } from './record.ts';
import { type Damage, fencesOfFile, recover, type Recovered } from './recovery.ts';
import { Segments } from './segments.ts';

/** @internal */
export interface LogOptions {
  readonly files: Files;
  readonly folder: string;
  readonly fsync: Fsync;
  readonly clock: Clock;
  /** A file ends when it has so many bytes. */
  readonly segmentBytes: number;
  readonly salvage: boolean;
  /** What the log says, in order, before it opens. */
  readonly replay: (entry: Entry) => void;
  /** The whole state of a key that was kept and not forgotten, as JSON: written again when its file is to go. */
  readonly stateOf: (key: string) => string;
}

/** So many bytes of old states go before a batch at most, so that nobody waits long behind them. */
const rewriteBytes = 65_536;

/** @internal */
export class JournalLog {
  readonly #options: LogOptions;
  readonly #segments: Segments;
  #commit: GroupCommit | undefined;
  /** No fence that the log knows of is higher. Its owner raises it. */
  fences = 0;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#segments = new Segments(options.segmentBytes);
  }

  /**
   * Replays what is there and begins a file of its own: what an earlier process has left is never appended to.
   *
   * @returns what was wrong with what is there
   * @throws {@link HoldfastError} `STORE_FAILED` when it cannot be read, or is damaged and not to be salvaged
   */
  async open(): Promise<Damage> {
    const { files, folder, fsync, clock } = this.#options;
    const { last, next, fences, damage } = await this.#recover();
    this.fences = fences;
    this.#commit = new GroupCommit({
      files,
      folder,
      fsync,
      clock,
      after: last,
      headerOf: (segment, after) => headerPayload(segment, after, this.fences + fencesOfFile),
      beforeWrite: () => this.#rewrite(),
      isSyncOfUse: (entries) => this.#superfluous(entries) !== undefined,
      afterSync: (entries) => this.#removeSuperfluous(entries),
      failed: (cause) => this.#failed(cause),
    });
    this.#segments.begin(next);
    await this.#commit.begin(next);
    return damage;
  }

  /** What has ended it: the first error of the file system. */
  get failure(): Error | undefined {
    return this.#commit?.failure;
  }

  /** The whole state of a key, as JSON. */
  keep(key: string, value: string): void {
    this.#segments.keep(key, this.#append(keepPayload(key, value)));
  }

  /** A change of a key's state, as JSON. */
  note(key: string, value: string): void {
    this.#segments.note(this.#append(notePayload(key, value)));
  }

  /** A key is gone. */
  forget(key: string): void {
    this.#segments.forget(key, this.#append(forgetPayload(key)));
  }

  /** Resolves when a process that is killed does not take along what was appended. */
  written(): Promise<void> {
    return this.#commit!.written();
  }

  /** Resolves when what was appended is as safe as `fsync` says. */
  synced(): Promise<void> {
    return this.#commit!.synced();
  }

  /** After a salvage: writes again what the damaged files hold, and those before them, and removes them. */
  async rid(): Promise<void> {
    while (this.#segments.isCondemned) {
      this.#rewrite();
      await this.#commit!.flush();
      await this.#removeSuperfluous(this.#segments.entries);
    }
  }

  /** Writes what was appended and lets go of the file. Never rejects. */
  async close(): Promise<void> {
    await this.#commit?.close();
  }

  async #recover(): Promise<Recovered> {
    try {
      return await recover({ ...this.#options, segments: this.#segments });
    } catch (error) {
      throw isHoldfastError(error) ? error : this.#failed(error);
    }
  }

  /** How many bytes the line has. */
  #append(payload: string): number {
    const segments = this.#segments;
    if (segments.isFull) segments.begin(segments.current + 1);
    const bytes = Buffer.byteLength(payload);
    this.#commit!.append(lineOf(payload, bytes), segments.current, segments.entries + 1);
    return bytes + lineOverhead;
  }

  /** Writes some of the oldest states again, if too much is dead weight. */
  #rewrite(): void {
    if (!this.#segments.isWasteful) return;
    let bytes = 0;
    for (const key of this.#segments.oldest()) {
      const payload = keepPayload(key, this.#options.stateOf(key));
      this.#segments.keep(key, this.#append(payload));
      if ((bytes += payload.length) >= rewriteBytes) return;
    }
  }

  /** Removes the files that nothing depends on, as far as so many entries are on the disk: one by one, the oldest first. */
  async #removeSuperfluous(synced: number): Promise<void> {
    const { files, folder } = this.#options;
    for (;;) {
      const number = this.#superfluous(synced);
      if (number === undefined) return;
      await files.remove(join(folder, segmentName(number)));
      await files.syncFolder(folder);
      this.#segments.removed();
    }
  }

  #superfluous(entries: number): number | undefined {
    return this.#segments.superfluous(entries, this.#commit!.segment);
  }

  #failed(cause: unknown): HoldfastError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new HoldfastError('STORE_FAILED', `the journal in ${this.#options.folder} has failed: ${why}`, { cause });
  }
}
