import { isInvalidOption, type Random } from 'holdfast/core';
import { type SeededRandom, seededRandom } from 'holdfast/testing';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { draw } from './draw.ts';

describe('golden values: the sequence is public API, a change of it is a major version', () => {
  test.each<readonly [string, SeededRandom, readonly number[]]>([
    ['42', seededRandom(42), [0.2797067692104751, 0.5734807477406052, 0.8989334636969304, 0.8029039789497607]],
    ['0', seededRandom(0), [0.6542882973633823, 0.3232045491407449, 0.9588746816314485, 0.5338650553850978]],
    ['-1.5', seededRandom(-1.5), [0.6039798611145931, 0.42926714730083726, 0.33532562613114136, 0.1404215689213083]],
    [
      '2n ** 64n',
      seededRandom(2n ** 64n),
      [0.6046264613304319, 0.9116946812833573, 0.6195636158221818, 0.7999914840444486],
    ],
    [
      '"holdfast"',
      seededRandom('holdfast'),
      [0.2848755949275237, 0.23426542256365102, 0.8733770794680698, 0.14809856722087156],
    ],
    ['""', seededRandom(''), [0.8536263477418312, 0.891265217770782, 0.3453729413270784, 0.03740195351109743]],
    [
      '42 → net',
      seededRandom(42).stream('net'),
      [0.5823714970645718, 0.8470908151484831, 0.21699721423153662, 0.9405145605367397],
    ],
    [
      '42 → net → a>b',
      seededRandom(42).stream('net').stream('a>b'),
      [0.037354165397116446, 0.03272930474586966, 0.7090380661034101, 0.6913983238567648],
    ],
    [
      '"ключ" → "鍵"',
      seededRandom('ключ').stream('鍵'),
      [0.08223378107799284, 0.5380366886065472, 0.5722699144482559, 0.5504538471656463],
    ],
  ])('%s', (_, random, expected) => {
    expect(draw(random, 4)).toEqual(expected);
  });
});

describe('seeds', () => {
  test('numbers, bigints and texts are different seeds, even if they look alike', () => {
    const seeds = [1, 1n, '1', -1, -1n, '-1', 2, 1.5, 2 ** 53, 2n ** 53n, Infinity, '', 'number', 'Infinity', 'n1'];
    expect(new Set(seeds.map((seed) => draw(seededRandom(seed), 3).join())).size).toBe(seeds.length);
  });

  test.each([Number.NaN, undefined, null, true, {}, [], Symbol('s')])('%s is no seed', (seed) => {
    expect(() => seededRandom(seed as number)).toThrow(expect.toSatisfy(isInvalidOption) as Error);
  });

  test('the refusal says what is allowed', () => {
    expect(() => seededRandom(Number.NaN)).toThrow('seed must be a number, a bigint or a string, got NaN');
  });
});

describe('streams', () => {
  test('no two paths of names run into each other, nor into a seed that looks like one', () => {
    const root = seededRandom('a');
    const one = [
      root.stream('b').stream('c'),
      root.stream('bc'),
      root.stream('b/c'),
      root.stream('b/1:c'),
      root.stream('c').stream('b'),
      root.stream(''),
      root.stream('').stream(''),
      root.stream('b","c'),
      seededRandom('a/1:b').stream('c'),
      seededRandom('a/1:b/1:c'),
      seededRandom('a","b').stream('c'),
      seededRandom('ab').stream('c'),
      root.stream('\ud800'),
      root.stream('\ud801'),
      root.stream('\ufffd'),
      root,
    ];
    expect(new Set(one.map((random) => draw(random, 3).join())).size).toBe(one.length);
  });

  test('a stream is a Random with streams of its own', () => {
    const stream = seededRandom(1).stream('a');
    expectTypeOf(stream).toExtend<Random>();
    expectTypeOf(stream.stream('b')).toEqualTypeOf<SeededRandom>();
    expect(typeof stream()).toBe('number');
  });
});
