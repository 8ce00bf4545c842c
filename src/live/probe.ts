import type { Timer } from '../core/clock.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { check, func, number, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { LiveCell } from './live-cell.ts';
import { hold } from './readers.ts';
import { Rounds } from './rounds.ts';

/** Resolves when what is asked is well; throws, rejects or returns false when it is not. */
export type ProbeCheck = (signal: AbortSignal) => unknown;

/** Options of {@link probe}. */
export interface ProbeOptions {
  /**
   * Milliseconds from the start of one check to the start of the next, at least; by chance up to `jitter` more.
   *
   * @defaultValue 5,000
   */
  readonly everyMs?: number | undefined;
  /**
   * By what share of `everyMs` a pause is longer, by chance. From 0 to 1.
   *
   * @defaultValue 0.2
   */
  readonly jitter?: number | undefined;
  /**
   * Milliseconds after which a check has failed: its signal aborts. At most `everyMs`.
   *
   * @defaultValue 1,000, or `everyMs` where that is less
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Checks in a row that must succeed for what was not well to be well.
   *
   * @defaultValue 2
   */
  readonly rise?: number | undefined;
  /**
   * Checks in a row that must fail for what was well not to be.
   *
   * @defaultValue 3
   */
  readonly fall?: number | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What is asked turned well or unwell. */
export interface ProbeChange {
  /** Whether it is well. */
  readonly value: boolean;
  /** The version of this answer. */
  readonly version: number;
}

/** A check has failed. */
export interface ProbeFailure {
  /** What it rejected with; `NOT_ACCEPTED` when it returned false, `DEADLINE_EXCEEDED` when its time was over. */
  readonly error: unknown;
  /** How many have failed in a row. */
  readonly failures: number;
}

/** Events of a {@link Probe}. */
export interface ProbeEvents {
  /** What is asked turned well or unwell; also the first answer. */
  readonly changed: ProbeChange;
  /** A check has failed, whether or not that changes anything. */
  readonly failed: ProbeFailure;
}

/** @internal What is known of the health: whether it is well, and how many checks in a row have said the opposite. */
export interface Health {
  readonly well: boolean;
  readonly against: number;
}

/** @internal The health after a check. */
export function judge({ well, against }: Health, ok: boolean, rise: number, fall: number): Health {
  if (ok === well) return { well, against: 0 };
  return against + 1 >= (well ? fall : rise) ? { well: ok, against: 0 } : { well, against: against + 1 };
}

/**
 * Whether something is well, asked again and again: the health of a database, a disk, a process beside.
 *
 * Promises: it turns unwell after `fall` failures in a row and well after `rise` successes in a row, and not before; the first
 * check decides by itself. A throw, a rejection, `false` and silence for `timeoutMs` are one failure each. There is one check
 * at a time for all who ask, and one in `everyMs` at most. A check that ignores its signal and hangs is not started a second
 * time: each further turn is a failure, when it has hung for `timeoutMs` of that turn too.
 *
 * Until the first check has come to an end `current` is false: what is not known to be well is not said to be.
 *
 * Does not say why it is not well (`failed` does), and is not a load balancer's health, which sees the calls themselves. Let
 * it say whether this process can serve (readiness); whether it is to be restarted (liveness) must not hang on others.
 *
 * Source: rise and fall of HAProxy, the first check that decides of Envoy.
 *
 * @param ask - the check; gets a signal that aborts when the time is over or the probe is closed
 * @param options - how often, how long, how many
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { probe } from 'holdfast/live';
 *
 * const database = { query: async (text: string) => text };
 * const up = probe(() => database.query('select 1'), { everyMs: 5_000, timeoutMs: 1_000, rise: 2, fall: 3 });
 * up.current // => false
 * await up.check() // => true
 * up.current // => true
 * up.close();
 * ```
 */
export function probe(ask: ProbeCheck, options?: ProbeOptions): Probe {
  return new Probe(check('check', ask, func<ProbeCheck>()), settingsFrom(options));
}

interface Settings {
  readonly everyMs: number;
  readonly jitter: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
  readonly runtime: Runtime;
}

const count = number({ min: 1, integer: true });

function settingsFrom(options: unknown): Settings {
  const values = readOptions('probe', options, {
    everyMs: number({ min: 1 }),
    jitter: number({ min: 0, max: 1 }),
    timeoutMs: number({ min: 1 }),
    rise: count,
    fall: count,
    runtime: runtimeRule,
  });
  const { everyMs = 5_000, jitter = 0.2, rise = 2, fall = 3, runtime = systemRuntime } = values;
  const timeoutMs = check('timeoutMs', values.timeoutMs ?? Math.min(1_000, everyMs), number({ max: everyMs }));
  return { everyMs, jitter, timeoutMs, rise, fall, runtime };
}

/** A {@link probe} at work. */
export class Probe extends LiveCell<boolean, ProbeEvents> {
  readonly #settings: Settings;
  readonly #rounds: Rounds<void>;
  #health: Health;
  #failures = 0;
  #begunMs = 0;
  /** Whether what came of the last check is not known yet. */
  #open = false;
  /** The time of a turn in which the check before still hangs. */
  #hanging: Timer | undefined;
  /** All who wait for it. */
  #asked: { readonly answer: Promise<boolean>; readonly tell: () => void; readonly held: Timer } | undefined;

  /** @internal */
  constructor(ask: ProbeCheck, settings: Settings) {
    const { clock } = settings.runtime;
    super('a probe', clock);
    this.#settings = settings;
    // At first one success is enough.
    this.#health = { well: false, against: settings.rise - 1 };
    this.#rounds = new Rounds(
      {
        what: 'a check',
        timeoutMs: settings.timeoutMs,
        run: async (signal) => {
          if ((await ask(signal)) === false) throw new HoldfastError('NOT_ACCEPTED', 'the check returned false');
        },
        done: () => {
          this.#learn(true);
        },
        failed: this.#fail,
      },
      clock,
    );
    this.#turn();
  }

  /** Whether it is well; false until the first check has come to an end. */
  override get current(): boolean {
    return this.#health.well;
  }

  /**
   * Whether it is well, by a check that began less than `everyMs` ago: the last one, the one under way, or a new one. Never
   * rejects; when the probe is closed, resolves with what was known last. Keeps the process alive while it is pending.
   */
  check(): Promise<boolean> {
    const { clock } = this.#settings.runtime;
    if (!this.closed && !this.#open && clock.now() - this.#begunMs >= this.#settings.everyMs) this.#turn();
    if (!this.#open) return Promise.resolve(this.current);
    if (this.#asked === undefined) {
      let tell!: () => void;
      const answer = new Promise<boolean>((resolve) => {
        tell = () => {
          resolve(this.current);
        };
      });
      this.#asked = { answer, tell, held: hold(clock) };
    }
    return this.#asked.answer;
  }

  /** @internal */
  protected stop(reason: unknown): void {
    this.#open = false;
    this.#hanging?.cancel();
    this.#rounds.stop(reason);
    this.#answer();
  }

  /** A check, and the time of the next. */
  #turn(): void {
    const { runtime, everyMs, jitter, timeoutMs } = this.#settings;
    const { clock } = runtime;
    this.#begunMs = clock.now();
    this.#hanging?.cancel();
    if (this.#rounds.busy) {
      // Its own time has counted already; where the event loop stood still, it may have been well long ago.
      this.#hanging = clock.setTimer(timeoutMs, () => {
        if (this.#rounds.busy) this.#fail(deadlineExceeded('a check'));
      });
    } else {
      this.#open = true;
      this.#rounds.begin();
    }
    this.#rounds.after(everyMs * (1 + jitter * runtime.random()), () => {
      this.#turn();
    });
  }

  readonly #fail = (error: unknown): void => {
    this.#learn(false, error);
  };

  #learn(ok: boolean, error?: unknown): void {
    const { rise, fall } = this.#settings;
    const before = this.#health.well;
    this.#open = false;
    this.#health = judge(this.#health, ok, rise, fall);
    this.#failures = ok ? 0 : this.#failures + 1;
    const { well } = this.#health;
    const turned = well !== before || this.version === 0;
    if (turned) this.put(well);
    this.#answer();
    if (!ok) this.emit('failed', { error, failures: this.#failures });
    if (turned) this.emit('changed', { value: well, version: this.version });
  }

  #answer(): void {
    this.#asked?.held.cancel();
    this.#asked?.tell();
    this.#asked = undefined;
  }
}
