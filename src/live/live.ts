import type { Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { check, either, func, invalid, number, object, readOptions } from '../core/options.ts';
import { Cell } from './cell.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import { closed } from './errors.ts';
import { type Pace, type PaceOptions, paceOf, paceShape } from './pace.ts';
import { Rounds } from './rounds.ts';
import { sameContent } from './same.ts';

/** Reads a value from where it is kept. */
export type Load<T> = (signal: AbortSignal) => T | PromiseLike<T>;

/**
 * Calls `fire` whenever a new value may be there, until the function that it returns is called. `fs.watch`, a process
 * signal, a message of a broker: a hint only, for the value is loaded and compared whatever it says.
 */
export type Trigger = (fire: () => void) => (() => void) | undefined;

/** Options of {@link live}. */
export interface LiveOptions<T> extends PaceOptions {
  /**
   * Something that tells of changes sooner than `everyMs` does. Called once, by `live`; what it returns is called by `close()`.
   *
   * @defaultValue none: the value is polled
   */
  readonly trigger?: Trigger | undefined;
  /**
   * How many milliseconds a trigger must have been quiet before the value is loaded, and after how many it is loaded though
   * the trigger is not quiet. A number is the first of them; the second is four times as long.
   *
   * @defaultValue 100
   */
  readonly settleMs?: number | SettleRange | undefined;
  /**
   * Says whether a new value may be used: throws, rejects or returns false when not. Gets the value in use, too.
   *
   * @defaultValue every value may
   */
  readonly validate?: ((next: T, previous: T | undefined) => unknown) | undefined;
  /**
   * Whether a loaded value is the one that is in use; then nothing changes.
   *
   * @defaultValue equal content of arrays, plain objects, maps, sets, dates and bytes; anything else is itself alone
   */
  readonly same?: ((next: T, current: T) => boolean) | undefined;
  /**
   * Milliseconds within which the first value must be there, or `ready` rejects.
   *
   * @defaultValue 10,000
   */
  readonly readyMs?: number | undefined;
  /**
   * Milliseconds without a load that succeeded after which the value is stale. At least the longest pause.
   *
   * @defaultValue three times `everyMs`
   */
  readonly staleMs?: number | undefined;
}

/** How long a trigger is waited for to be quiet. */
export interface SettleRange {
  /** Milliseconds of quiet. */
  readonly min: number;
  /** Milliseconds since the first hint, at most. */
  readonly max: number;
}

/** A value has been taken. */
export interface LiveChange<T> {
  /** The new value. */
  readonly value: T;
  /** The value before; undefined when it is the first. */
  readonly previous: T | undefined;
  /** The version of the new value. */
  readonly version: number;
}

/** A value was loaded and must not be used. */
export interface LiveRejection<T> {
  /** The value. */
  readonly value: T;
  /** What `validate` threw. */
  readonly error: unknown;
}

/** No value could be loaded. */
export interface LiveFailure {
  /** What the load rejected with; `DEADLINE_EXCEEDED` when its time was over. */
  readonly error: unknown;
  /** How many have failed in a row. */
  readonly failures: number;
  /** Milliseconds until the next is tried. */
  readonly retryMs: number;
}

/** It turned stale, or is no longer. */
export interface LiveStaleness {
  /** Whether it is stale now. */
  readonly active: boolean;
  /** Milliseconds since the load before that succeeded; when there was none, since the beginning. */
  readonly ageMs: number;
}

/** Events of a {@link Loaded} value. */
export interface LiveEvents<T> {
  /** Another value has been taken: `current` is the new one. */
  readonly changed: LiveChange<T>;
  /** `validate` has refused a value: the old one stays. At each load, as long as it is there. */
  readonly rejected: LiveRejection<T>;
  /** A load has failed: the old value stays. */
  readonly failed: LiveFailure;
  /** No load has succeeded for `staleMs`, or one has again. A value that was rejected is no success. */
  readonly stale: LiveStaleness;
}

/** What is known of a {@link Loaded} value. */
export interface LiveStats {
  /** How many values have been taken. */
  readonly version: number;
  /** Milliseconds since a load has succeeded; when none has, since the beginning. */
  readonly ageMs: number;
  /** Whether that is `staleMs` or more. */
  readonly stale: boolean;
  /** How many loads have failed in a row. */
  readonly failures: number;
}

/**
 * A value that is loaded again and again, and swapped as a whole when its content is another and it is valid.
 *
 * Promises: `current` is one whole value that `load` returned and `validate` has let pass; its version only rises; what cannot
 * be loaded or is refused leaves the last good value in use and is told of. One load is under way at a time, ever: the next
 * begins when the last has settled. A slow reader of `changes()` gets the newest and no backlog. No timer keeps the process
 * alive, but for whoever waits for `ready` or `changes()`. After `close()` nothing is left: no timer, no listener, no load
 * that its signal can stop.
 *
 * Does not promise to see each value: one that comes and goes between two loads is not seen. Does not make several files one:
 * `load` has to read them as a whole. Does not freeze the value. A load that ignores its signal and never settles ends the
 * reloading, which `stale` tells.
 *
 * Source: the rules of git-sync and consul-template: content is compared and never times of files, a check before the swap, a
 * quiet time with an upper bound, limits of their own for the first load and for all others.
 *
 * @param load - reads the value; gets a signal that aborts when its time is over or the value is closed
 * @param options - how often, what is valid, what is the same
 * @throws {@link HoldfastError} `INVALID_OPTION`; and what `trigger` throws
 * @example
 * ```ts
 * import { live } from 'holdfast/live';
 *
 * let file = '{"shards":4}';
 * const config = live(() => JSON.parse(file) as { shards: number }, {
 *   everyMs: 5,
 *   validate: (next, previous) => {
 *     if (next.shards < (previous?.shards ?? 0) / 2) throw new Error('lost half of the shards');
 *   },
 * });
 * await config.ready; // rejects when there is no valid value within 10 s: a restart with a bad file fails fast
 * config.current.shards // => 4
 *
 * config.on('rejected', () => (file = '{"shards":5}'));
 * file = '{"shards":1}';
 * for await (const { shards } of config.changes()) if (shards === 5) break;
 * config.current.shards // => 5
 * config.close();
 * ```
 */
export function live<T>(load: Load<T>, options?: LiveOptions<T>): Loaded<T> {
  return new Loaded(check('load', load, func<Load<T>>()), settingsFrom<T>(options));
}

interface Settings<T> extends Pace {
  readonly trigger: Trigger | undefined;
  readonly settle: SettleRange;
  readonly validate: (next: T, previous: T | undefined) => unknown;
  readonly same: (next: T, current: T) => boolean;
  readonly readyMs: number;
  readonly staleMs: number;
}

const ms = number({ min: 0 });

function settingsFrom<T>(options: unknown): Settings<T> {
  const values = readOptions('live', options, {
    ...paceShape,
    trigger: func<Trigger>(),
    settleMs: either(ms, object<SettleRange>()),
    validate: func<Settings<T>['validate']>(),
    same: func<Settings<T>['same']>(),
    readyMs: ms,
    staleMs: number({ min: 1 }),
  });
  const pace = paceOf(values);
  const longestMs = pace.everyMs * (1 + (values.jitter ?? 0.2));
  const { trigger, settleMs = 100, validate = () => true, same = sameContent, readyMs = 10_000 } = values;
  const staleMs = check('staleMs', values.staleMs ?? 3 * pace.everyMs, number({ min: longestMs }));
  return { ...pace, trigger, settle: settleFrom(settleMs), validate, same, readyMs, staleMs };
}

function settleFrom(settleMs: number | SettleRange): SettleRange {
  if (typeof settleMs === 'number') return { min: settleMs, max: 4 * settleMs };
  const { min, max } = readOptions('settleMs', settleMs, { min: ms, max: ms });
  if (min === undefined || max === undefined || min > max)
    throw invalid('settleMs', '{ min, max } with min <= max', settleMs);
  return { min, max };
}

/** What came of a load. */
type Answer<T> =
  | { readonly is: 'same' }
  | { readonly is: 'new'; readonly value: T }
  | { readonly is: 'refused'; readonly value: T; readonly error: unknown };

/** A {@link live} value that is loaded. */
export class Loaded<T> extends Cell<T, LiveEvents<T>> {
  readonly #load: Load<T>;
  readonly #settings: Settings<T>;
  readonly #rounds: Rounds<Answer<T>>;
  readonly #budget: Timer;
  readonly #off: (() => void) | undefined;
  #settling: Timer | undefined;
  /** When a load has to begin though the trigger is not quiet. */
  #latestMs: number | undefined;
  #aging: Timer | undefined;
  #stale = false;
  #goodMs: number;
  #failures = 0;

  /** @internal */
  constructor(load: Load<T>, settings: Settings<T>) {
    const { runtime, timeoutMs, trigger, readyMs } = settings;
    super(what, runtime.clock);
    this.#load = load;
    this.#settings = settings;
    this.#goodMs = runtime.clock.now();
    const run = (signal: AbortSignal): Promise<Answer<T>> => this.#answer(signal);
    const conclude = (outcome: PromiseSettledResult<Answer<T>>): void => {
      this.#conclude(outcome);
    };
    this.#rounds = new Rounds({ what: 'a load', timeoutMs, run, conclude }, runtime.clock);
    this.#off = check('what trigger returns', trigger?.(this.#hint), offRule);
    this.#budget = runtime.clock.setTimer(readyMs, () => {
      this.refuse(deadlineExceeded('the first load', this.why));
    });
    this.#age();
    this.#rounds.begin();
  }

  /** What is known of it now. */
  stats(): LiveStats {
    return { version: this.version, ageMs: this.#ageMs, stale: this.#stale, failures: this.#failures };
  }

  /** No further load; one under way is called off; `current` stays readable. Idempotent. */
  override close(): void {
    if (this.closed) return;
    super.close();
    this.#rounds.stop(closed(what));
    for (const timer of [this.#budget, this.#settling, this.#aging]) timer?.cancel();
    this.#off?.();
  }

  get #ageMs(): number {
    return this.#settings.runtime.clock.now() - this.#goodMs;
  }

  /** The trigger has fired: a load when it is quiet, but not later than the longest wait allows. */
  readonly #hint = (): void => {
    if (this.closed) return;
    const { runtime, settle } = this.#settings;
    const now = runtime.clock.now();
    this.#latestMs ??= now + settle.max;
    this.#settling?.cancel();
    this.#settling = runtime.clock.setTimer(Math.min(settle.min, this.#latestMs - now), () => {
      this.#latestMs = undefined;
      this.#rounds.begin();
    });
  };

  async #answer(signal: AbortSignal): Promise<Answer<T>> {
    const { same, validate } = this.#settings;
    const value = await this.#load(signal);
    const previous = this.version === 0 ? undefined : this.current;
    if (this.version > 0 && same(value, this.current)) return { is: 'same' };
    try {
      if ((await validate(value, previous)) === false)
        throw new HoldfastError('NOT_ACCEPTED', 'validate returned false');
      return { is: 'new', value };
    } catch (error) {
      return { is: 'refused', value, error };
    }
  }

  #conclude(outcome: PromiseSettledResult<Answer<T>>): void {
    const failed = outcome.status === 'rejected';
    this.#failures = failed ? this.#failures + 1 : 0;
    // Before anybody is told, for who is told may close.
    const pauseMs = this.#settings.pauseMs(this.#failures);
    this.#rounds.after(pauseMs);
    if (failed) {
      this.why = outcome.reason;
      this.emit('failed', { error: outcome.reason, failures: this.#failures, retryMs: pauseMs });
      return;
    }
    const answer = outcome.value;
    if (answer.is === 'refused') {
      const { value, error } = answer;
      this.refuse(error);
      this.emit('rejected', { value, error });
      return;
    }
    const { previous, ageMs, wasStale } = { previous: this.peek(), ageMs: this.#ageMs, wasStale: this.#stale };
    this.#goodMs = this.#settings.runtime.clock.now();
    this.#stale = false;
    this.#age();
    if (answer.is === 'new') {
      this.#budget.cancel();
      this.put(answer.value);
      this.emit('changed', { value: answer.value, previous, version: this.version });
    }
    if (wasStale) this.emit('stale', { active: false, ageMs });
  }

  #age(): void {
    this.#aging?.cancel();
    this.#aging = this.#settings.runtime.clock.setTimer(this.#settings.staleMs, () => {
      this.#stale = true;
      this.emit('stale', { active: true, ageMs: this.#ageMs });
    });
  }
}

const what = 'a live value';
const offRule = either({ expected: 'undefined', accepts: (value) => value === undefined }, func<() => void>());
