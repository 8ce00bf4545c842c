import { setTimeout as sleep } from 'node:timers/promises';
import { Emitter } from 'holdfast/core';
import type { Fill } from './cluster.ts';
import { Fillings } from './fillings.ts';
import { IndexerProcess } from './indexer-process.ts';
import type { IndexerSetup, Orders, Report } from './indexer-protocol.ts';
import type { IndexersEvents, IndexerStatus } from './indexer-status.ts';

/** The place of an indexer: processes come and go in it. */
interface Slot {
  readonly id: string;
  process?: IndexerProcess;
  /** Of the newest term of the process. */
  token: bigint;
  failures: number;
}

const longestPauseMs = 5_000;
const failuresAtStart = 3;

/** Indexer processes, started again when they end. They elect one of them, and that one fills the leaves. */
export class Indexers extends Emitter<IndexersEvents> {
  readonly #setup: Omit<IndexerSetup, 'id'>;
  readonly #slots: readonly Slot[];
  readonly #closing = new AbortController();
  readonly #fillings = new Fillings(() => {
    this.#order();
  });
  #standStillAt = Infinity;
  /** The newest leader's. */
  #token = 0n;

  /** Nothing is started yet. */
  constructor(count: number, setup: Omit<IndexerSetup, 'id'>) {
    super();
    this.#setup = setup;
    this.#slots = Array.from({ length: count }, (_, i) => ({ id: `indexer-${i + 1}`, token: 0n, failures: 0 }));
  }

  /** Runs the indexers until they are closed. Rejects when one of them ends by itself again and again; it goes on all the same. */
  async run(): Promise<void> {
    await Promise.all(
      this.#slots.map(
        (slot) => new Promise<void>((resolve, reject) => void this.#keepRunning(slot, reject).then(resolve)),
      ),
    );
  }

  status(): IndexerStatus[] {
    return this.#slots.map((slot) => this.#statusOf(slot));
  }

  /** How many documents are on leaves; on two leaves they are two. */
  get copies(): number {
    return this.#fillings.copies;
  }

  /** Resolves when the leaf has all documents of its shard, whichever leaders have brought them. */
  readonly fill: Fill = (replica, shard, signal) => this.#fillings.add(replica, shard, signal);

  /** For the show: whoever leads stands still before its next write when leaves have so many documents. */
  standStillAt(copies: number): void {
    this.#standStillAt = copies;
    this.#order();
  }

  /** Lets one that stands still go on. */
  wake(id: string): void {
    this.#slots.find((slot) => slot.id === id)?.process?.wake();
  }

  /** Ends the process of an indexer. Another comes in its place. */
  kill(id: string): void {
    const slot = this.#slots.find((one) => one.id === id)!;
    slot.process?.kill();
    this.emit('killed', this.#statusOf(slot));
  }

  /** Ends all processes; resolves when there is none left. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    const processes = this.#slots.flatMap(({ process }) => process ?? []);
    for (const process of processes) process.kill();
    await Promise.all(processes.map(({ exited }) => exited));
  }

  async #keepRunning(slot: Slot, onHopeless: (error: Error) => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const process = new IndexerProcess({ ...this.#setup, id: slot.id }, (report) => {
        this.#hear(slot, report);
      });
      slot.process = process;
      process.order(this.#orders());
      const why = await process.exited;
      const gone = this.#statusOf(slot);
      delete slot.process;
      slot.token = 0n;
      if (this.#closing.signal.aborted) return;
      this.emit('gone', { ...gone, why });
      if (why.startsWith('SIG')) continue; // from outside: no fault of its own
      slot.failures++;
      if (slot.failures === failuresAtStart) onHopeless(new Error(`${slot.id} has ended: ${why}`));
      await sleep(Math.min(longestPauseMs, 100 * 2 ** slot.failures), undefined, { signal }).catch(() => undefined);
    }
  }

  #hear(slot: Slot, report: Report): void {
    if (report.type === 'refused') {
      const { token, leaf, documents, why } = report;
      this.emit('refused', { ...this.#statusOf(slot), token: String(token), leaf: leaf.id, documents, why });
    }
    if (report.token < this.#token) {
      // Of a leader of the past: a later one has told, or will, how things stand. Nobody waits for one that stands still.
      if (report.type === 'stands') slot.process?.wake();
      return;
    }
    if (report.type === 'leads') {
      this.#token = slot.token = report.token;
      slot.failures = 0;
    }
    if (report.type === 'leads' || report.type === 'stands') this.emit(report.type, this.#statusOf(slot));
    if (report.type === 'arrived') {
      this.#fillings.arrived(report.leaf, report.documents);
      this.emit('progress', this.copies);
    }
    if (report.type === 'full') this.#fillings.end(report.leaf);
    if (report.type === 'failed') this.#fillings.end(report.leaf, new Error(report.why));
  }

  #orders(): Orders {
    const { leaves, copiesElsewhere } = this.#fillings;
    // Of a leaf that is full a leader hears nothing, above all not one that comes after.
    return { leaves, standStillAt: this.#standStillAt - copiesElsewhere };
  }

  #order(): void {
    for (const { process } of this.#slots) process?.order(this.#orders());
  }

  #statusOf({ id, token, process }: Slot): IndexerStatus {
    const leads = token > 0n && token === this.#token;
    return { id, ...(process?.pid === undefined ? {} : { pid: process.pid }), leads, token: String(token) };
  }
}
