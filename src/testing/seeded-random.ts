import { invalid } from '../core/options.ts';
import type { Random } from '../core/random.ts';
import { xxh64 } from '../hashing/index.ts';

/** A {@link Random} that repeats: a function of its seed, from which independent streams can be named. */
export interface SeededRandom extends Random {
  /**
   * A stream of its own for one source of chance, for example a link of a network: drawing from one stream never shifts
   * another, so that taking one fault out of a run leaves the others where they were. The same name gives the same
   * stream, from its beginning, whatever has been drawn.
   *
   * @param name - any text; streams may be nested
   */
  stream(name: string): SeededRandom;
}

/**
 * Chance that repeats. The generator is sfc32 (C. Doty-Humphrey, PractRand): 128 bits of state, 53 bits a number.
 *
 * Promises: the sequence is a function of the seed and the names alone, the same on every platform and in every version
 * of the same major. Not for secrets.
 *
 * @param seed - any number, bigint or text; what is printed when a test fails
 * @throws {@link HoldfastError} `INVALID_OPTION` for anything else, NaN included
 * @example
 * ```ts
 * import { seededRandom } from 'holdfast/testing';
 *
 * const net = seededRandom(42).stream('net');
 * const again = seededRandom(42).stream('net');
 * net() === again() // => true
 * net() === seededRandom(42).stream('disk')() // => false
 * ```
 */
export function seededRandom(seed: number | bigint | string): SeededRandom {
  if (!(typeof seed === 'string' || typeof seed === 'bigint' || (typeof seed === 'number' && !Number.isNaN(seed)))) {
    throw invalid('seed', 'a number, a bigint or a string', seed);
  }
  // The type is part of the seed: 1 and '1' are two.
  return generator([typeof seed, String(seed)]);
}

function generator(names: readonly string[]): SeededRandom {
  // As JSON, no two lists of names run into each other, whatever the names contain.
  const path = JSON.stringify(names);
  const state = new Uint32Array(2);
  xxh64.hash(path, 0, 0, state);
  let [a = 0, b = 0] = state;
  xxh64.hash(path, 1, 0, state);
  let [c = 0] = state;
  let counter = 1;

  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 15; i++) next();

  const random = (): number => (next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53;
  return Object.assign(random, { stream: (name: string) => generator([...names, name]) });
}
