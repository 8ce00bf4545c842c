/*
 * A log of the states of keys, in files of bounded size. Who appends does it in one turn with the change in memory, so the
 * order in the log is the order in which it happened; when it is safe is asked for apart.
 */
import type { Clock } from '../../../core/clock.ts';
import { HoldfastError } from '../../../core/errors.ts';
import { join } from 'node:path';
import type { Files } from './files.ts';
import { type Fsync, GroupCommit, segmentName } from './group-commit.ts';
import { lineOf, lineOverhead } from './line.ts';
import { type Entry, forgetPayload, keepPayload, notePayload } from './record.ts';
import { type Damage, recover } from './recovery.ts';
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
  /** The whole state of a key that was kept and not forgotten, as JSON: to be written again when its file is to go. */
  readonly stateOf: (key: string) => string;
  /** No fence that is written until the next file begins is higher. */
  readonly fences: () => number;
}

/** So many bytes of old states go before each batch at most, so that nobody waits long for them. */
const rewriteBytes = 65_536;

/** @internal */
export class JournalLog {
  readonly #options: LogOptions;
  readonly #segments: Segments;
  #commit!: GroupCommit;
  #isTidying = false;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#segments = new Segments(options.segmentBytes);
  }

  /**
   * Replays what is there.
   *
   * @returns what was wrong with it, and the highest fence that it may know of
   */
  async recover(): Promise<{ readonly damage: Damage; readonly fences: number; readonly begin: () => Promise<void> }> {
    const { last, next, damage, fences } = await recover({ ...this.#options, segments: this.#segments });
    return { damage, fences, begin: () => this.#begin(last, next) };
  }

  /** What has ended it: the first error of the file system. */
  get failure(): Error | undefined {
    return this.#commit.failure;
  }

  /** How many bytes the entries have, those included that are to go; how many files there are. */
  get size(): { readonly bytes: number; readonly files: number } {
    return this.#segments.size;
  }

  /** The whole state of a key, as JSON. */
  keep(key: string, value: string): void {
    const line = this.#line(keepPayload(key, value));
    this.#segments.keep(key, line.length);
    this.#append(line);
  }

  /** A change of a key's state, as JSON. */
  note(key: string, value: string): void {
    const line = this.#line(notePayload(key, value));
    this.#segments.note(line.length);
    this.#append(line);
  }

  /** A key is gone. */
  forget(key: string): void {
    const line = this.#line(forgetPayload(key));
    this.#segments.forget(key, line.length);
    this.#append(line);
  }

  /** Resolves when a process that is killed does not take along what was appended. */
  written(): Promise<void> {
    return this.#commit.written();
  }

  /** Resolves when what was appended is as safe as `fsync` says. */
  synced(): Promise<void> {
    return this.#commit.synced();
  }

  /** Never rejects. */
  close(): Promise<void> {
    return this.#commit.close();
  }
}
