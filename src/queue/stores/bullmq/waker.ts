import type { Clock } from '../../../core/clock.ts';
import { reportError } from '../../../core/report.ts';
import type { BullBackend } from './client.ts';

/** The longest that one wait of BullMQ's takes: who closes the worker waits for it. */
const waitSeconds = 1;
/** Hints closer together than this say no more than one. */
const pauseMs = 20;
/** After a wait that has failed. */
const retryMs = 1_000;

/**
 * @internal Tells of jobs that may have become ready, as BullMQ's own workers hear of them: through the blocking connection of a
 * worker. It waits only while somebody listens.
 */
export class Waker {
  readonly #backend: () => BullBackend;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #running = false;

  constructor(backend: () => BullBackend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  listen(onWake: () => void): () => void {
    const own = (): void => {
      onWake();
    };
    this.#listeners.add(own);
    if (!this.#running) void this.#run();
    return () => {
      this.#listeners.delete(own);
    };
  }

  close(): void {
    this.#listeners.clear();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#listeners.size > 0) {
      const restMs = await this.#wait();
      await new Promise<void>((resolve) => this.#clock.setTimer(restMs, resolve));
    }
    this.#running = false;
  }

  /** For how long to rest then, in milliseconds. */
  async #wait(): Promise<number> {
    try {
      const hint = await this.#backend().waitForJob(waitSeconds);
      const dueInMs = (hint?.score ?? 0) - this.#clock.wallNow();
      if (hint === null || dueInMs <= 0) this.#tell();
      // The next delayed one; others may come before it.
      return Math.min(Math.max(dueInMs, pauseMs), 1_000 * waitSeconds);
    } catch {
      return retryMs;
    }
  }

  #tell(): void {
    for (const onWake of [...this.#listeners]) {
      try {
        onWake();
      } catch (error) {
        reportError('a listener of a queue store has thrown', error);
      }
    }
  }
}
