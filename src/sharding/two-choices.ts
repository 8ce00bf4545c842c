import type { Random } from '../core/random.ts';

/**
 * @internal The less busy of two that are drawn, both being equally likely when they are equally busy; undefined of none.
 * Those in `avoid` are drawn only when there is no other.
 *
 * Source: M. Mitzenmacher, "The power of two choices in randomized load balancing" (2001).
 */
export function twoChoices<T>(
  all: readonly T[],
  busy: (one: T) => number,
  avoid: ReadonlySet<unknown> | undefined,
  random: Random,
): T | undefined {
  const others = avoid === undefined ? all : all.filter((one) => !avoid.has(one));
  const choices = others.length === 0 ? all : others;
  if (choices.length < 2) return choices[0];
  const first = Math.floor(random() * choices.length) % choices.length;
  const second = (first + 1 + Math.floor(random() * (choices.length - 1))) % choices.length;
  return busy(choices[second]!) < busy(choices[first]!) ? choices[second] : choices[first];
}
