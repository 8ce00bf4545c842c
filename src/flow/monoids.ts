/**
 * A way to make one result of many values, in any order and in any pieces.
 *
 * Rules for whoever makes one, which `monoidLaws` of `holdfast/testing` checks: `merge` is associative and commutative,
 * `empty()` merged with anything is that, and `add(a, v)` is `merge(a, add(empty(), v))`. `add` and `merge` may change and
 * return their first argument, never the second.
 */
export interface Monoid<in T, A> {
  /** The result of no values. */
  empty(): A;
  /** A result with one more value. */
  add(result: A, value: T): A;
  /** Two results as one. */
  merge(one: A, other: A): A;
  /** How many keys a result has, for `maxKeys`. */
  size?(result: A): number;
}

/**
 * How many values there are.
 *
 * @example
 * ```ts
 * import { count } from 'holdfast/flow';
 *
 * const pages = count();
 * pages.merge(pages.add(pages.empty(), 'a'), 2) // => 3
 * ```
 */
export function count(): Monoid<unknown, number> {
  return sum(() => 1);
}

/** The sum of numbers: the form of {@link sum} for values that are numbers. */
export function sum(): Monoid<number, number>;
/**
 * The sum of values. Equal in any order as long as all numbers and the sum are whole and within 2^53; fractions are rounded
 * as they come.
 *
 * @param of - the number of a value
 * @example
 * ```ts
 * import { sum } from 'holdfast/flow';
 *
 * const bytes = sum((file: { size: number }) => file.size);
 * bytes.add(bytes.add(bytes.empty(), { size: 3 }), { size: 4 }) // => 7
 * ```
 */
export function sum<T>(of: (value: T) => number): Monoid<T, number>;
export function sum<T>(of: (value: T) => number = (value) => value as number): Monoid<T, number> {
  return { empty: () => 0, add: (result, value) => result + of(value), merge: (one, other) => one + other };
}

/**
 * How much of each kind there is. It keeps weights and not shares: shares of populations of different size cannot be merged.
 *
 * @param key - the kind of a value
 * @param weight - how much a value counts; 1 where absent. As for {@link sum}, whole numbers
 * @example
 * ```ts
 * import { histogram } from 'holdfast/flow';
 *
 * const colours = histogram((car: string) => car);
 * const seen = ['red', 'blue', 'red'].reduce((result, car) => colours.add(result, car), colours.empty());
 * [...seen] // => [['red', 2], ['blue', 1]]
 * ```
 */
export function histogram<T>(
  key: (value: T) => string,
  weight: (value: T) => number = () => 1,
): Monoid<T, Map<string, number>> {
  const more = (result: Map<string, number>, kind: string, by: number): Map<string, number> =>
    result.set(kind, (result.get(kind) ?? 0) + by);
  return {
    empty: () => new Map(),
    add: (result, value) => more(result, key(value), weight(value)),
    merge: (one, other) => {
      for (const [kind, by] of other) more(one, kind, by);
      return one;
    },
    size: (result) => result.size,
  };
}

/** The results of several monoids over the same values. */
export type AllOf<M> = { -readonly [K in keyof M]: M[K] extends Monoid<never, infer A> ? A : never };

/** What all of several monoids take. */
export type ValueOfAll<M> = (
  M[keyof M] extends infer E ? (E extends Monoid<infer T, unknown> ? (value: T) => void : never) : never
) extends (value: infer T) => void
  ? T
  : never;

/**
 * Several results of the same values.
 *
 * @param monoids - by the names of their results
 * @example
 * ```ts
 * import { all, count, sum } from 'holdfast/flow';
 *
 * const mean = all({ n: count(), total: sum() });
 * mean.add(mean.add(mean.empty(), 3), 4) // => { n: 2, total: 7 }
 * ```
 */
export function all<const M extends Readonly<Record<string, Monoid<never, unknown>>>>(
  monoids: M,
): Monoid<ValueOfAll<M>, AllOf<M>> {
  const parts = Object.entries(monoids) as [string, Monoid<unknown, unknown>][];
  type Result = Record<string, unknown>;
  const each = (of: (monoid: Monoid<unknown, unknown>, name: string) => unknown): AllOf<M> =>
    Object.fromEntries(parts.map(([name, monoid]) => [name, of(monoid, name)])) as AllOf<M>;
  return {
    empty: () => each((monoid) => monoid.empty()),
    add: (result, value) => each((monoid, name) => monoid.add((result as Result)[name], value)),
    merge: (one, other) => each((monoid, name) => monoid.merge((one as Result)[name], (other as Result)[name])),
    size: (result) => parts.reduce((keys, [name, monoid]) => keys + (monoid.size?.((result as Result)[name]) ?? 0), 0),
  };
}
