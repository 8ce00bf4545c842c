import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { type Attempt, Budget } from 'holdfast/calls';
import { type Clock, isHoldfastError, type Runtime, type Timer } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { expect, vi } from 'vitest';

/** What an attempt does when its signal aborts before it has settled. */
export type OnAbort = 'ignore' | 'reject' | { readonly lateMs: number; readonly ok: boolean };

/** More of an answer, that it is not accepted; of a failure, that it is final, or for how long the server wants no retry. */
export type Note = 'refused' | 'final' | { readonly pushbackMs: number } | undefined;

/** What one attempt does, as data: `Stage.perform` does it under virtual time, the model predicts what follows. */
export type Act =
  | { readonly does: 'answer' | 'fail'; readonly afterMs: number; readonly onAbort: OnAbort; readonly note?: Note }
  | { readonly does: 'hang'; readonly onAbort: OnAbort }
  /** A thenable of another library, settled by a timer or, when `afterMs` is undefined, as soon as it is asked. */
  | { readonly does: 'thenable'; readonly afterMs: number | undefined }
  /** A synchronous throw, a plain value. */
  | { readonly does: 'throw' | 'return' };

/** The acts of one call's attempts; the last is repeated. */
export type Script = readonly Act[];

export const actOf = (script: Script, attempt: number): Act => script[Math.min(attempt, script.length) - 1]!;

export const answer = (afterMs: number, onAbort: OnAbort = 'reject'): Act => ({ does: 'answer', afterMs, onAbort });
export const fail = (afterMs: number, onAbort: OnAbort = 'reject'): Act => ({ does: 'fail', afterMs, onAbort });
export const hang = (onAbort: OnAbort = 'ignore'): Act => ({ does: 'hang', onAbort });
export const toss: Act = { does: 'throw' };
export const give: Act = { does: 'return' };

/** Few different instants, so that many things happen at the same one. */
export const instants: fc.Arbitrary<number> = fc.integer({ min: 0, max: 12 });

const onAborts: fc.Arbitrary<OnAbort> = fc.oneof(
  fc.constantFrom('ignore' as const, 'reject' as const),
  fc.record({ lateMs: fc.integer({ min: 0, max: 5 }), ok: fc.boolean() }),
);

const notes: fc.Arbitrary<Note> = fc.oneof(
  { weight: 8, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom('refused' as const, 'final' as const) },
  { weight: 1, arbitrary: fc.record({ pushbackMs: fc.integer({ min: -1, max: 6 }) }) },
);

export const timedActs: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom('answer' as const, 'answer' as const, 'fail' as const),
      afterMs: instants,
      onAbort: onAborts,
      note: notes,
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('hang' as const), onAbort: onAborts }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('thenable' as const), afterMs: instants }) },
);

export const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: timedActs },
  { weight: 1, arbitrary: fc.constantFrom<Act>(toss, give, { does: 'thenable', afterMs: undefined }) },
);

/** What is known of one attempt afterwards. */
export interface AttemptLog {
  readonly leaf: number;
  readonly attempt: number;
  readonly cause: Attempt['cause'];
  readonly startedMs: number;
  /** What the deadline that it was given left it. */
  readonly leftMs: number;
  /** When its signal aborted, and why: the code of the reason, or the reason itself when it has none. */
  abortedMs?: number;
  reason?: unknown;
}

/** The code of an error of holdfast, anything else as it is. */
export const codeOf = (error: unknown): unknown => (isHoldfastError(error) ? error.code : error);

/** The messages of one error or of an AggregateError, in order. */
export const messagesOf = (error: unknown): readonly string[] =>
  error instanceof AggregateError
    ? error.errors.map((each) => (each as Error).message)
    : [error instanceof Error ? error.message : String(error)];

/** The value of an attempt that answers; one that is not accepted says so. */
export const valueOf = (name: string, act: Act): string =>
  'note' in act && act.note === 'refused' ? `${name}!` : name;

/** An `accept` that throws, so that the error tells the attempt. */
export const accept = (value: string): boolean => {
  if (value.endsWith('!')) throw new Error(value);
  return true;
};

function errorOf(name: string, act: Act): Error {
  const note = 'note' in act ? act.note : undefined;
  if (note === 'final') return Object.assign(new Error(name), { final: true });
  return Object.assign(new Error(name), typeof note === 'object' && { retryAfterMs: note.pushbackMs });
}

/** A `retryable` that knows the errors of scripts. */
export const retryable = (error: unknown): boolean => !(error as { readonly final?: boolean }).final;

/** A budget of so many extra attempts, whatever happens. */
export function budgetOf(extras: number, runtime: Runtime): Budget {
  return new Budget({ ratio: 0, windowMs: 1_000_000, minPerSecond: extras / 1_000, runtime });
}

/** Virtual time on which scripts are performed, and a log of what happened. The k-th attempt of leaf i gives `i/k`. */
export class Stage {
  readonly clock = new VirtualClock();
  readonly attempts: AttemptLog[] = [];
  readonly discarded: { readonly value: string; readonly atMs: number }[] = [];

  readonly discard = (value: string): void => {
    this.discarded.push({ value, atMs: this.clock.now() });
  };

  /** Does what the script says for this attempt. */
  perform(leaf: number, script: Script, attempt: Attempt): string | PromiseLike<string> {
    const log: AttemptLog = {
      leaf,
      attempt: attempt.attempt,
      cause: attempt.cause,
      startedMs: this.clock.now(),
      leftMs: attempt.deadline.remaining(),
    };
    this.attempts.push(log);
    attempt.signal.addEventListener('abort', () => {
      log.abortedMs = this.clock.now();
      log.reason = codeOf(attempt.signal.reason);
    });
    const name = `${String(leaf)}/${String(attempt.attempt)}`;
    const act = actOf(script, attempt.attempt);
    switch (act.does) {
      case 'throw':
        throw new Error(name);
      case 'return':
        return name;
      case 'thenable':
        return this.#thenable(name, act.afterMs);
      default:
        return this.#promise(name, act, attempt.signal);
    }
  }

  #thenable(value: string, afterMs: number | undefined): PromiseLike<string> {
    const then = (resolve: (value: string) => void): void => {
      if (afterMs === undefined) resolve(value);
      else this.clock.setTimer(afterMs, () => resolve(value));
    };
    return { then } as PromiseLike<string>;
  }

  #promise(name: string, act: Exclude<Act, { does: 'throw' | 'return' | 'thenable' }>, signal: AbortSignal) {
    return new Promise<string>((resolve, reject) => {
      let settled = false;
      const settle = (ok: boolean): void => {
        settled = true;
        if (ok) resolve(valueOf(name, act));
        else reject(errorOf(name, act));
      };
      const { clock } = this;
      const timer: Timer | undefined =
        act.does === 'hang' ? undefined : clock.setTimer(act.afterMs, () => settle(act.does === 'answer'));
      const { onAbort } = act;
      if (onAbort === 'ignore') return;
      signal.addEventListener('abort', () => {
        if (settled) return;
        timer?.cancel();
        if (onAbort === 'reject') settle(false);
        else clock.setTimer(onAbort.lateMs, () => settle(onAbort.ok));
      });
    });
  }
}

/** A clock that counts the timers set through it: what the code under test sets, and nothing of the scripts. */
export class CountingClock implements Clock {
  readonly #clock: Clock;
  #pending = 0;
  #most = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Timers set that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#pending;
  }

  /** The most there were at one time. */
  get most(): number {
    return this.#most;
  }

  now(): number {
    return this.#clock.now();
  }

  wallNow(): number {
    return this.#clock.wallNow();
  }

  setTimer(ms: number, fn: () => void, options?: { readonly ref?: boolean }): Timer {
    let counted = true;
    const uncount = (): void => {
      if (counted) this.#pending--;
      counted = false;
    };
    const timer = this.#clock.setTimer(
      ms,
      () => {
        uncount();
        fn();
      },
      options,
    );
    this.#most = Math.max(this.#most, ++this.#pending);
    return {
      cancel: () => {
        uncount();
        timer.cancel();
      },
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }
}

/** What a promise came to, and when; undefined while it is pending. */
export interface Settled<T> {
  readonly value?: T;
  readonly error?: unknown;
  readonly atMs: number;
  /** Timers and listeners that the code under test still held at that instant. */
  readonly timers: number;
  readonly listeners: number;
}

/** Watches a promise settle: more than once would throw. */
export function watch<T>(
  promise: Promise<T>,
  clock: Clock,
  counting?: CountingClock,
  signal?: AbortSignal,
): () => Settled<T> | undefined {
  let settled: Settled<T> | undefined;
  const note = (outcome: { readonly value: T } | { readonly error: unknown }): void => {
    settled = { ...outcome, atMs: clock.now(), timers: counting?.pending ?? 0, listeners: listenersOf(signal) };
  };
  promise.then(
    (value) => note({ value }),
    (error: unknown) => note({ error }),
  );
  return () => settled;
}

export const listenersOf = (signal: AbortSignal | undefined): number =>
  signal === undefined ? 0 : getEventListeners(signal, 'abort').length;

/** Runs a promise to its end under virtual time. */
export async function finish<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  const [result] = await Promise.allSettled([promise, clock.runUntilIdle()]);
  if (result.status === 'rejected') throw result.reason;
  return result.value;
}

/** Everything that an iteration gives. */
export async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A runtime of virtual time whose chance always says the same. */
export function steady(clock: Clock, chance = 0): Runtime {
  return { clock, random: () => chance };
}

/** Catches process warnings instead of printing them. Restored by `vi.restoreAllMocks`. */
export function catchWarnings(): readonly Error[] {
  const caught: Error[] = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => {
    caught.push(warning as Error);
  });
  return caught;
}

/** The one shape of an error for bad input: its code, its option, what is allowed and what came. */
export function expectInvalid(error: unknown, message: string): void {
  expect(isHoldfastError(error, 'INVALID_OPTION'), String(error)).toBe(true);
  expect((error as Error).message).toBe(message);
}

/** What a function throws; fails when it does not. */
export function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** What a promise rejects with; fails when it resolves. A synchronous throw fails too: promise-returning functions reject. */
export async function rejectionOf(fn: () => Promise<unknown>): Promise<unknown> {
  const promise = fn();
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the promise resolved');
}

/** Any value as any type: what plain JavaScript may pass. */
export const bad = (value: unknown): never => value as never;
