import { setTimeout as sleep } from 'node:timers/promises';
import { Emitter } from 'holdfast/core';
import { AnalyserProcess } from './analyser-process.ts';
import type { AnalyserReport, AnalyserSetup, ThreadChange } from './analyser-protocol.ts';
import { inBatches } from './batches.ts';
import type { Document } from './documents.ts';

/** How it stands with the analyser. */
export interface IntakeStatus {
  readonly pid?: number;
  /** Documents that its journal has taken. */
  readonly accepted: number;
  /** Documents that it is known to have analysed. */
  readonly analysed: number;
  /** Documents of which the analysis was begun more than once. */
  readonly again: number;
  /** How many threads there are or are to be: at first none, and after each change. A process begins with none. */
  readonly threads: readonly number[];
}

/** What happens to the analyser. */
export interface IntakeEvents {
  /** A process has been started. */
  started: IntakeStatus;
  /** The number of its threads changes; `waiting`: for so many documents there is no thread. */
  scale: ThreadChange & { readonly waiting: number };
  /** It stands still, for the show. */
  stands: IntakeStatus;
  /** It gets SIGKILL, for the show. */
  killed: IntakeStatus;
  /** The process has ended; another comes in its place. */
  gone: IntakeStatus & { readonly why: string };
  /** Documents were accepted, or one was analysed. */
  progress: IntakeStatus;
}

const longestPauseMs = 5_000;
const failuresAtStart = 3;

/**
 * Has documents analysed, by a process that is started again when it ends. Each document is sent until its journal has it, and
 * from then on never again: what happens to it is the journal's.
 */
export class Intake extends Emitter<IntakeEvents> {
  readonly #folder: string;
  readonly #closing = new AbortController();
  #process: AnalyserProcess | undefined;
  /** What the journal is not known to have. */
  readonly #open = new Map<string, Document>();
  readonly #analysed = new Set<string>();
  readonly #again = new Set<string>();
  readonly #accepted = new Set<string>();
  readonly #threads = [0];
  #standStillAt: number | undefined;
  #failures = 0;

  /** @param folder - where the journal is, and what is analysed. Nothing is started yet. */
  constructor(folder: string) {
    super();
    this.#folder = folder;
  }

  /** Resolves when all are analysed. Rejects when one cannot be, or the analyser ends by itself again and again. Once. */
  async run(documents: readonly Document[]): Promise<void> {
    for (const document of documents) this.#open.set(document.id, document);
    await new Promise<void>((resolve, reject) => void this.#keepRunning(resolve, reject));
  }

  get status(): IntakeStatus {
    const pid = this.#process?.pid;
    return {
      ...(pid === undefined ? {} : { pid }),
      accepted: this.#accepted.size,
      analysed: this.#analysed.size,
      again: this.#again.size,
      threads: [...this.#threads],
    };
  }

  /** For the show: the next process stands still when it has analysed so many. */
  standStillAt(documents: number | undefined): void {
    this.#standStillAt = documents;
  }

  /** Ends the process. Another comes in its place. */
  kill(): void {
    this.#process?.kill();
    this.emit('killed', this.status);
  }

  /** Ends the process; resolves when there is none left. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#process?.kill();
    await this.#process?.exited;
  }

  async #keepRunning(onFinished: () => void, onHopeless: (error: Error) => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const process = new AnalyserProcess(this.#setup(), (report) => {
        if (report.type === 'failed') onHopeless(new Error(`${report.id} could not be analysed: ${report.why}`));
        else this.#hear(report);
      });
      this.#process = process;
      this.emit('started', this.status);
      this.#feed(process).then(onFinished, () => undefined); // it has ended: the next one is fed
      const why = await process.exited;
      const gone = this.status;
      this.#process = undefined;
      if (this.#threads.at(-1) !== 0) this.#threads.push(0);
      if (this.#closing.signal.aborted) return;
      this.emit('gone', { ...gone, why });
      if (why.startsWith('SIG')) continue; // from outside: no fault of its own
      if (++this.#failures === failuresAtStart) onHopeless(new Error(`the analyser has ended: ${why}`));
      await sleep(Math.min(longestPauseMs, 100 * 2 ** this.#failures), undefined, { signal }).catch(() => undefined);
    }
  }

  async #feed(process: AnalyserProcess): Promise<void> {
    for (const documents of inBatches([...this.#open.values()])) {
      await process.take(documents);
      for (const { id } of documents) {
        this.#open.delete(id);
        this.#accepted.add(id);
      }
      this.emit('progress', this.status);
    }
    await process.finish();
    this.#failures = 0;
    // Of some that it had done when it was killed there was no time to tell.
    for (const id of this.#accepted) this.#analysed.add(id);
    this.emit('progress', this.status);
  }

  #setup(): AnalyserSetup {
    return {
      folder: this.#folder,
      ...(this.#standStillAt === undefined ? {} : { standStillAt: this.#standStillAt }),
    };
  }

  #hear(report: AnalyserReport): void {
    if (report.type === 'analysed') {
      this.#analysed.add(report.id);
      if (report.again) this.#again.add(report.id);
      this.emit('progress', this.status);
    }
    if (report.type === 'scale') {
      this.#threads.push(report.change.to);
      this.emit('scale', { ...report.change, waiting: report.stats.waiting });
    }
    if (report.type === 'stands') this.emit('stands', this.status);
  }
}
