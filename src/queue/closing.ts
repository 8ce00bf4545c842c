import { HoldfastError } from '../core/errors.ts';
import { boolean, number, readOptions } from '../core/options.ts';
import type { Consumers } from './consume.ts';
import type { Depot } from './depot.ts';
import type { Engine } from './engine.ts';
import type { Intake } from './intake.ts';
import type { CloseReport } from './stats.ts';
import { type Tally, tell } from './tally.ts';
import type { Waits } from './waits.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Options of {@link WorkQueue.close}. */
export interface CloseOptions {
  /**
   * How long to wait for what is under way, in milliseconds, before its signals abort.
   *
   * @defaultValue 10,000
   */
  readonly graceMs?: number | undefined;
  /**
   * How long to wait after that, in milliseconds; then what is still under way is given back and left alone.
   *
   * @defaultValue 1,000
   */
  readonly abortMs?: number | undefined;
  /**
   * Whether to work off first what waits, as far as `graceMs` goes. A queue that is paused works nothing off: `resume` it.
   *
   * @defaultValue false
   */
  readonly drain?: boolean | undefined;
}

/** @internal What of a queue is closed. */
export interface ClosingParts<D> {
  readonly owner: object;
  readonly depot: Depot<D>;
  readonly pool: Pick<WorkerPool<D, unknown>, 'close'>;
  readonly intake: Intake<D>;
  readonly engine: Pick<Engine<D, never>, 'abandon' | 'abort' | 'runs' | 'stop'>;
  readonly consumers: Consumers<D>;
  readonly tally: Tally<D, never>;
  readonly waits: Waits;
  /** What has timers of its own. */
  readonly closers: readonly ({ close(): void } | undefined)[];
  isIdle(): boolean;
  /** Nobody works on anything any more. */
  over(): void;
}

/**
 * @internal The options of `close`, checked.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function readCloseOptions(options: unknown): CloseOptions {
  return readOptions('close', options, {
    graceMs: number({ min: 0 }),
    abortMs: number({ min: 0 }),
    drain: boolean,
  });
}

/**
 * @internal Closes a queue, step by step: nobody is let in; what runs, or with `drain` all there is, may end; what still runs
 * is asked to stop; what does not is left; the store is told; whoever waits for a result is told. Each wait has an end.
 */
export async function closeDown<D>(parts: ClosingParts<D>, options: CloseOptions): Promise<CloseReport> {
  const { engine, intake, consumers, tally, waits } = parts;
  const { graceMs = 10_000, abortMs = 1_000, drain = false } = options;
  const closed = new HoldfastError('CLOSED', 'the queue is closed');
  const isStill = (): boolean => tally.leased + engine.runs.length === 0;
  intake.close(closed);
  if (!drain) engine.stop();
  await waits.within(graceMs, () => (drain ? parts.isIdle() : isStill()));
  engine.stop();
  const givenBack = (tally.givenBack = new Set());
  consumers.close();
  for (const run of [...engine.runs]) engine.abort(run, { reason: closed, fate: 'release' });
  await waits.within(abortMs, isStill);
  const abandoned = engine.abandon();
  for (const closer of parts.closers) closer?.close();
  await flush(parts, abortMs);
  parts.over();
  parts.depot.abandon?.(closed);
  tellAll(parts, closed);
  const { accepted, done, dead, cancelled } = tally;
  const released = givenBack.size;
  const waiting = accepted - done - dead - cancelled - released;
  return { accepted, done, dead, cancelled, released, waiting, abandoned };
}

/** Ends the pool and hands the store what was settled; one that does not answer is left. */
async function flush<D>({ pool, depot, waits }: ClosingParts<D>, ms: number): Promise<void> {
  let flushed = false;
  void Promise.allSettled([pool.close({ graceMs: 0 }), depot.close()]).then(() => {
    flushed = true;
    waits.look();
  });
  await waits.within(ms, () => flushed);
}

/** Nobody will work on what is left: whoever waits for a result is told. */
function tellAll<D>({ owner, depot, waits }: ClosingParts<D>, closed: HoldfastError): void {
  for (const job of [...depot.jobs()]) {
    if (job.owner !== owner && job.owner !== undefined) continue; // another queue's on the same store
    job.result = closed;
    tell(job);
  }
  waits.look();
}
