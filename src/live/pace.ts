import { check, number, object, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';

/** How often something is asked again. */
export interface PaceOptions {
  /**
   * Milliseconds between the end of one and the start of the next.
   *
   * @defaultValue 10,000
   */
  readonly everyMs?: number | undefined;
  /**
   * By what share of `everyMs` a pause is longer or shorter, by chance: so that a fleet that was started together does not
   * ask together. From 0 to 1.
   *
   * @defaultValue 0.2
   */
  readonly jitter?: number | undefined;
  /** How long to pause after a failure: between half of it and all, by chance. */
  readonly backoff?:
    | {
        /**
         * The longest pause after the first failure, in milliseconds; doubled for each further one in a row.
         *
         * @defaultValue 250, or `maxMs` where that is less
         */
        readonly baseMs?: number | undefined;
        /**
         * The longest pause of all, in milliseconds.
         *
         * @defaultValue 30,000
         */
        readonly maxMs?: number | undefined;
      }
    | undefined;
  /**
   * Milliseconds after which one has failed: its signal aborts.
   *
   * @defaultValue 10,000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal The options of {@link PaceOptions}. */
export const paceShape: {
  readonly everyMs: Rule<number>;
  readonly jitter: Rule<number>;
  readonly backoff: Rule<object>;
  readonly timeoutMs: Rule<number>;
  readonly runtime: Rule<Runtime>;
} = {
  everyMs: number({ min: 1 }),
  jitter: number({ min: 0, max: 1 }),
  backoff: object<object>(),
  timeoutMs: number({ min: 1 }),
  runtime: runtimeRule,
};

/** @internal A pace, checked, with its defaults. */
export interface Pace {
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly runtime: Runtime;
  /** The longest pause where nothing fails. */
  readonly longestMs: number;
  /** How long to pause after so many failures in a row. */
  readonly pauseMs: (failures: number) => number;
}

/** @internal */
export function paceOf(values: { readonly [K in keyof typeof paceShape]: PaceOptions[K] | object }): Pace {
  const { everyMs = 10_000, jitter = 0.2, timeoutMs = 10_000, runtime = systemRuntime } = values as PaceOptions;
  const { maxMs = 30_000, baseMs = Math.min(250, maxMs) } = readOptions('backoff', values.backoff, {
    baseMs: number({ min: 1 }),
    maxMs: number({ min: 1 }),
  });
  check('baseMs', baseMs, number({ max: maxMs }));
  const pauseMs = (failures: number): number => {
    const chance = runtime.random();
    if (failures === 0) return everyMs * (1 + jitter * (2 * chance - 1));
    return (Math.min(maxMs, baseMs * 2 ** (failures - 1)) * (1 + chance)) / 2;
  };
  return { everyMs, longestMs: everyMs * (1 + jitter), timeoutMs, runtime, pauseMs };
}
