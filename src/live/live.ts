import type { Clock, Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { check, func, number, readOptions } from '../core/options.ts';
import { LiveCell } from './live-cell.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import { type Pace, type PaceOptions, paceOf, paceShape } from './pace.ts';
import { Rounds } from './rounds.ts';
import { sameContent } from './same.ts';

/** Reads a value from where it is kept. */
export type LiveLoad<T> = (signal: AbortSignal) => T | PromiseLike<T>;

/**
 * Calls `fire` whenever a new value may be there, until the function that it returns is called. `fs.watch`, a process
 * signal, a message of a broker: a hint only, for the value is loaded and compared whatever it says.
 */
export type LiveTrigger = (fire: () => void) => (() => void) | undefined;

/** Options of {@link live}. */
export interface LiveOptions<T> extends PaceOptions {
  /**
   * Something that tells of changes sooner than `everyMs` does. Called once, by `live`; what it returns is called by `close()`.
   *
   * @defaultValue none: the value is polled
   */
  readonly trigger?: LiveTrigger | undefined;
  /**
   * How many milliseconds a trigger must have been quiet before the value is loaded: what is written piece by piece is loaded
   * when it is complete.
   *
   * @defaultValue 100
   */
  readonly settleMs?: number | undefined;
  /**
   * Milliseconds after the first hint of a trigger after which the value is loaded though the trigger is not quiet.
   *
   * @defaultValue four times `settleMs`
   */
  readonly settleMaxMs?: number | undefined;
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
  /** Whether it has turned stale, as the event tells; one that is closed turns no more. */
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
export function live<T>(load: LiveLoad<T>, options?: LiveOptions<T>): Loaded<T> {
  return new Loaded(check('load', load, func<LiveLoad<T>>()), settingsFrom<T>(options));
}

interface Settings<T> extends Pace {
  readonly trigger: LiveTrigger;
  readonly settleMs: number;
  readonly settleMaxMs: number;
  readonly validate: (next: T, previous: T | undefined) => unknown;
  readonly same: (next: T, current: T) => boolean;
  readonly readyMs: number;
  readonly staleMs: number;
}

const nothing = (): undefined => undefined;
const duration = number({ min: 0 });

function settingsFrom<T>(options: unknown): Settings<T> {
  const values = readOptions('live', options, {
    ...paceShape,
    trigger: func<LiveTrigger>(),
    settleMs: duration,
    settleMaxMs: duration,
    validate: func<Settings<T>['validate']>(),
    same: func<Settings<T>['same']>(),
    readyMs: duration,
    staleMs: duration,
  });
  const { settleMs = 100 } = values;
  const pace = paceOf(values);
  return {
    trigger: nothing,
    validate: nothing,
    same: sameContent,
    readyMs: 10_000,
    ...(values as Partial<Settings<T>>), // none is undefined
    ...pace,
    settleMs,
    settleMaxMs: check('settleMaxMs', values.settleMaxMs ?? 4 * settleMs, number({ min: settleMs })),
    staleMs: check('staleMs', values.staleMs ?? 3 * pace.everyMs, number({ min: pace.longestMs })),
  };
}

/** A {@link live} value that is loaded. */
export class Loaded<T> extends LiveCell<T, LiveEvents<T>> {
  readonly #load: LiveLoad<T>;
  readonly #settings: Settings<T>;
  readonly #clock: Clock;
  readonly #rounds: Rounds<() => void>;
  readonly #budget: Timer | undefined;
  readonly #off: () => void = nothing;
  #settling: Timer | undefined;
  /** When a load has to begin though the trigger is not quiet. */
  #latestMs: number | undefined;
  #aging: Timer | undefined;
  #stale = false;
  #goodMs: number;
  #failures = 0;

  /** @internal */
  constructor(load: LiveLoad<T>, settings: Settings<T>) {
    const { clock } = settings.runtime;
    super('a live value', clock);
    this.#load = load;
    this.#settings = settings;
    this.#clock = clock;
    this.#goodMs = clock.now();
    this.#rounds = new Rounds(
      {
        what: 'a load',
        timeoutMs: settings.timeoutMs,
        run: (signal) => this.#read(signal),
        done: (take) => {
          this.#next(0);
          take();
        },
        failed: (error) => {
          this.why = error;
          const retryMs = this.#next(this.#failures + 1);
          this.emit('failed', { error, failures: this.#failures, retryMs });
        },
      },
      clock,
    );
    try {
      this.#off = check('what trigger returns', settings.trigger(this.#hint) ?? nothing, func<() => void>());
    } catch (error) {
      this.close(); // it may fire all the same
      throw error;
    }
    this.#budget = clock.setTimer(settings.readyMs, () => {
      this.refuse(deadlineExceeded('the first load', this.why));
    });
    this.#age();
    this.#rounds.begin();
  }

  /** What is known of it now. */
  stats(): LiveStats {
    return { version: this.version, ageMs: this.#ageMs, stale: this.#stale, failures: this.#failures };
  }

  /** @internal */
  protected stop(reason: unknown): void {
    this.#rounds.stop(reason);
    for (const timer of [this.#budget, this.#settling, this.#aging]) timer?.cancel();
    this.#off();
  }

  get #ageMs(): number {
    return this.#clock.now() - this.#goodMs;
  }

  /** The trigger has fired: a load when it is quiet, but not later than the longest wait allows. */
  readonly #hint = (): void => {
    if (this.closed) return;
    const { settleMs, settleMaxMs } = this.#settings;
    const now = this.#clock.now();
    this.#latestMs ??= now + settleMaxMs;
    this.#settling?.cancel();
    this.#settling = this.#clock.setTimer(Math.min(settleMs, this.#latestMs - now), () => {
      this.#latestMs = undefined;
      this.#rounds.begin();
    });
  };

  /** Loads, and says what is to be done about it: nothing yet, for the time may be over by then. */
  async #read(signal: AbortSignal): Promise<() => void> {
    const { same, validate } = this.#settings;
    const value = await this.#load(signal);
    signal.throwIfAborted(); // what comes too late is nobody's to judge
    const previous = this.peek();
    if (this.version > 0 && same(value, previous as T)) return () => this.#renew();
    try {
      if ((await validate(value, previous)) === false)
        throw new HoldfastError('NOT_ACCEPTED', 'validate returned false');
    } catch (error) {
      return () => {
        this.refuse(error);
        this.emit('rejected', { value, error });
      };
    }
    return () => {
      this.put(value);
      this.#renew();
      this.emit('changed', { value, previous, version: this.version });
    };
  }

  /** Before anybody is told of anything, for who is told may close. */
  #next(failures: number): number {
    this.#failures = failures;
    const pauseMs = this.#settings.pauseMs(failures);
    this.#rounds.after(pauseMs);
    return pauseMs;
  }

  /** A load has succeeded. */
  #renew(): void {
    const ageMs = this.#ageMs;
    const wasStale = this.#stale;
    this.#budget?.cancel();
    this.#stale = false;
    this.#goodMs = this.#clock.now();
    this.#age();
    if (wasStale) this.emit('stale', { active: false, ageMs });
  }

  #age(): void {
    this.#aging?.cancel();
    this.#aging = this.#clock.setTimer(this.#settings.staleMs, () => {
      this.#stale = true;
      this.emit('stale', { active: true, ageMs: this.#ageMs });
    });
  }
}
