import type { Timer } from '../core/clock.ts';
import type { Unlink } from '../core/signals.ts';

/** What a {@link SimulatedServer} answers. */
export interface Served {
  /** Who. */
  readonly id: string;
  /** Milliseconds in the queue. */
  readonly waitedMs: number;
  /** Milliseconds of work. */
  readonly workedMs: number;
}

/** @internal A request, from its arrival until it leaves. */
export interface Job {
  readonly arrivedMs: number;
  readonly resolve: (served: Served) => void;
  readonly reject: (error: unknown) => void;
  /** `held`: the work is done and the answer is held back. */
  state: 'arrived' | 'queued' | 'working' | 'held' | 'swallowed' | 'over';
  startedMs: number;
  /** Whether it will fail, once the work is done. */
  fails: boolean;
  /** The end of the work. */
  timer: Timer | undefined;
  /** Takes it off its caller's signal. */
  unlink: Unlink | undefined;
  /** Whether its caller has gone. */
  abandoned: boolean;
}

/** @internal A request that arrives now. */
export function jobOf(arrivedMs: number, resolve: Job['resolve'], reject: Job['reject']): Job {
  return {
    arrivedMs,
    resolve,
    reject,
    state: 'arrived',
    startedMs: 0,
    fails: false,
    timer: undefined,
    unlink: undefined,
    abandoned: false,
  };
}
