/**
 * A thread that kills the process of a leader whose event loop stands still.
 *
 * @module holdfast/election/watchdog
 */
import { Worker } from 'node:worker_threads';
import { systemClock, type Timer } from '../core/clock.ts';
import { number, readOptions } from '../core/options.ts';
import type { Election } from './election.ts';
import type { Term } from './term.ts';

/** Options of {@link watchdog}. */
export interface WatchdogOptions {
  /**
   * For how many milliseconds after the end of a term the main thread may go on without having noticed. Less than the
   * election's `guardMs`, or the next leader may be there before.
   *
   * @defaultValue 50
   */
  readonly slackMs?: number | undefined;
}

/** What {@link watchdog} gives. */
export interface Watchdog extends AsyncDisposable {
  /** Nobody is watched any more. */
  close(): Promise<void>;
}

/** What the thread does: it waits until the end that the main thread has written, and kills unless it was moved before. */
const watch = `
const { parentPort, workerData } = require('node:worker_threads');
const end = new BigInt64Array(workerData, 0, 1);
const changes = new Int32Array(workerData, 8, 1);
parentPort.postMessage('watching');
for (;;) {
  const seen = Atomics.load(changes, 0);
  const at = Atomics.load(end, 0);
  const leftMs = at === 0n ? Infinity : Number(at - process.hrtime.bigint()) / 1e6;
  if (leftMs <= 0) process.kill(process.pid, 'SIGKILL');
  Atomics.wait(changes, 0, seen, leftMs);
}`;

/**
 * Kills this process (`SIGKILL`) when its main thread has not noticed that a term is over: a leader whose event loop stands
 * still must not go on when it moves again. A thread of its own watches; it is told of each election and renewal.
 *
 * Promises: the process ends within `slackMs` and some milliseconds after a term that nobody renewed, and whose loss the main
 * thread has not seen. A loss that it has seen is the body's affair. Keeps no process alive.
 *
 * Does not promise anything for a process that stands still as a whole (`SIGSTOP`, a paused machine): it is killed when it goes
 * on, but what the main thread does first may be done. Only the token helps there.
 *
 * @param election - whose terms to watch
 * @param options - how long the main thread may take
 * @returns when the thread watches
 * @throws {@link HoldfastError} `INVALID_OPTION` as a rejection
 * @example
 * ```ts
 * import { Election, MemoryLeaseStore } from 'holdfast/election';
 * import { watchdog } from 'holdfast/election/watchdog';
 *
 * const election = new Election(new MemoryLeaseStore(), { name: 'indexer' });
 * await using dog = await watchdog(election);
 * await election.run((term) => term.check());
 * ```
 */
export async function watchdog<Meta>(election: Election<Meta>, options?: WatchdogOptions): Promise<Watchdog> {
  const { slackMs = 50 } = readOptions('watchdog', options, { slackMs: number({ min: 0 }) });
  const memory = new SharedArrayBuffer(16);
  const end = new BigInt64Array(memory, 0, 1);
  const changes = new Int32Array(memory, 8, 1);
  const set = (at: bigint): void => {
    Atomics.store(end, 0, at);
    Atomics.add(changes, 0, 1);
    Atomics.notify(changes, 0);
  };
  let timer: Timer | undefined;
  const arm = ({ term }: { readonly term: Term<Meta> }): void => {
    const leftMs = term.remainingMs();
    timer?.cancel();
    // Whose event loop moves is told by the term itself.
    timer = systemClock.setTimer(leftMs, () => {
      set(0n);
    });
    // eslint-disable-next-line no-restricted-properties -- the one clock that both threads read alike
    if (leftMs > 0) set(process.hrtime.bigint() + BigInt(Math.round((leftMs + slackMs) * 1e6)));
  };
  const worker = new Worker(watch, { eval: true, workerData: memory });
  const off = [
    election.on('elected', arm),
    election.on('renewed', arm),
    election.on('transition', ({ to }) => {
      if (to === 'lost' || to === 'released') set(0n);
    }),
  ];
  const close = async (): Promise<void> => {
    for (const unsubscribe of off) unsubscribe();
    timer?.cancel();
    await worker.terminate();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => {
        resolve();
      });
      worker.once('error', reject);
    });
  } catch (error) {
    await close();
    throw error;
  }
  worker.unref();
  const { term } = election;
  if (term !== undefined) arm({ term });
  return { close, [Symbol.asyncDispose]: close };
}
