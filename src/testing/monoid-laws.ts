import { check, func, having, number, readOptions, type Rule } from '../core/options.ts';
import type { Monoid } from '../flow/index.ts';
import { ensure } from './ensure.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

/** Options of {@link monoidLaws}. */
export interface MonoidLawOptions<A> {
  /**
   * Whether two results are the same.
   *
   * @defaultValue the same in depth: numbers, texts, arrays, maps, sets and plain objects
   */
  readonly same?: ((one: A, other: A) => boolean) | undefined;
  /**
   * How many choices of values, orders and bracketings.
   *
   * @defaultValue 200
   */
  readonly numRuns?: number | undefined;
  /**
   * What the choices are drawn from.
   *
   * @defaultValue 1
   */
  readonly seed?: number | undefined;
}

const valuesRule: Rule<readonly unknown[]> = {
  expected: 'an array of one or more values',
  accepts: (value) => Array.isArray(value) && value.length > 0,
};

/**
 * Checks that a {@link Monoid} keeps its rules, so that `reduce` may take values in any order and in any pieces: the same
 * result in every order and for every bracketing, an `empty()` that adds nothing and is its own each time, and a second
 * argument that stays as it was.
 *
 * Does not prove it: it tries. Give it values that meet, the same key twice and zero among them. Needs no test runner.
 *
 * @param monoid - the one under test
 * @param values - examples of what it takes; those of a run are drawn from them, with repetition
 * @param options - how results are compared, and how much to try
 * @throws {@link HoldfastError} `INVALID_OPTION`; an `Error` that names the rule and both results where one is broken
 * @example
 * ```ts
 * import { histogram } from 'holdfast/flow';
 * import { monoidLaws } from 'holdfast/testing';
 *
 * monoidLaws(
 *   histogram((word: string) => word.slice(0, 1)),
 *   ['a', 'an', 'b', ''],
 * );
 * const last = { empty: () => 0, add: (_: number, n: number) => n, merge: (_: number, n: number) => n };
 * let broken = '';
 * try {
 *   monoidLaws(last, [1, 2]);
 * } catch (error) {
 *   broken = (error as Error).message;
 * }
 * broken.length > 0 // => true
 * ```
 */
export function monoidLaws<T, A>(monoid: Monoid<T, A>, values: readonly T[], options?: MonoidLawOptions<A>): void {
  check('monoid', monoid, having<Monoid<T, A>>('a monoid', 'empty', 'add', 'merge'));
  check('values', values, valuesRule);
  const given = readOptions('monoidLaws', options, {
    same: func<(one: A, other: A) => boolean>(),
    numRuns: number({ min: 1, integer: true }),
    seed: number({ integer: true }),
  });
  const { same = alike, numRuns = 200, seed = 1 } = given;
  const random = seededRandom(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const fold = (of: readonly T[]): A => of.reduce((result, value) => monoid.add(result, value), monoid.empty());
  const ensureSame = (one: A, other: A, rule: string): void => {
    ensure(same(one, other), rule, one, other);
  };
  /** In pieces of one value or several, or of none. */
  const bracketed = (of: readonly T[]): A => {
    if (of.length < 2 || random() < 0.2) return fold(of);
    const at = below(of.length + 1);
    return monoid.merge(bracketed(of.slice(0, at)), bracketed(of.slice(at)));
  };

  for (let run = 0; run < numRuns; run++) {
    const drawn = Array.from({ length: below(10) }, () => values[below(values.length)]!);
    const others = Array.from({ length: below(4) }, () => values[below(values.length)]!);
    const result = fold(drawn);
    ensureSame(fold(shuffled(drawn, random)), result, 'the result depends on the order of the values');
    ensureSame(bracketed(drawn), fold(drawn), 'the result depends on the pieces that are merged');
    ensureSame(bracketed(shuffled(drawn, random)), fold(drawn), 'the result depends on the order of the pieces');
    ensureSame(monoid.merge(monoid.empty(), fold(drawn)), fold(drawn), 'empty() on the left adds something');
    ensureSame(monoid.merge(fold(drawn), monoid.empty()), fold(drawn), 'empty() on the right adds something');
    const second = fold(others);
    monoid.add(monoid.merge(fold(drawn), second), values[0]!);
    ensureSame(second, fold(others), 'merge changes its second argument, or keeps a part of it');
    const used: unknown = monoid.add(monoid.empty(), values[0]!);
    ensure(typeof used !== 'object' || used !== monoid.empty(), 'empty() is not its own each time');
  }
}

function shuffled<T>(values: readonly T[], random: SeededRandom): T[] {
  return values
    .map((value) => ({ value, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ value }) => value);
}

/** Equal in depth. */
function alike(one: unknown, other: unknown): boolean {
  if (Object.is(one, other) || one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (one instanceof Map && other instanceof Map)
    return one.size === other.size && [...one].every(([key, value]) => other.has(key) && alike(value, other.get(key)));
  if (one instanceof Set && other instanceof Set)
    return one.size === other.size && [...one].every((value) => other.has(value));
  const names = Object.keys(one);
  return (
    Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && alike(one[name as never], other[name as never]))
  );
}
