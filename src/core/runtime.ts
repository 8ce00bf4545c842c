import { type Clock, systemClock } from './clock.ts';
import { having, type Rule } from './options.ts';
import { type Random, systemRandom, systemUnique } from './random.ts';

/**
 * Where a primitive gets time and chance from: the one seam between holdfast and the platform. An option of everything
 * that waits or draws; `holdfast/testing` has a virtual clock and seeded random streams to pass in.
 */
export interface Runtime {
  /** Time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /**
   * Names that nobody else draws, in any process, also where `random` is seeded alike in several. Simulations have their own.
   *
   * @defaultValue drawn by the platform's `crypto`
   */
  readonly unique?: (() => string) | undefined;
}

/** The platform's time and chance: the default of every `runtime` option. */
export const systemRuntime: Runtime = { clock: systemClock, random: systemRandom, unique: systemUnique };

const clockRule = having<Clock>('a Clock', 'now', 'setTimer', 'sleep');

/** @internal A `runtime` option. */
export const runtimeRule: Rule<Runtime> = {
  expected: 'a { clock, random } runtime',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    clockRule.accepts((value as Partial<Runtime>).clock) &&
    typeof (value as Partial<Runtime>).random === 'function' &&
    ['function', 'undefined'].includes(typeof (value as Partial<Runtime>).unique),
};

/** @internal A name that nobody else has. */
export function uniqueOf({ unique = systemUnique }: Runtime): string {
  return unique();
}
