import { HoldfastError, isInvalidOption } from 'holdfast/core';
import { afterEach, describe, expect, expectTypeOf, test } from 'vitest';
import {
  anything,
  check,
  describe as describeValue,
  either,
  func,
  having,
  number,
  oneOf,
  readOptions,
  type Rule,
} from '../../src/core/options.ts';
import { hostileValues } from '../support/hostile.ts';

const messageOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    expect(isInvalidOption(error)).toBe(true);
    return (error as HoldfastError).message;
  }
  return 'accepted';
};

const shape = { ttlMs: number({ min: 1_000 }), id: oneOf('a', 'b'), onEnd: func<() => void>() };

const thing = (): Rule<{ now(): number }> => having('a Clock', 'now');

describe('the message names the option, what is allowed and what came', () => {
  const rows: readonly (readonly [() => Rule<unknown>, unknown, string])[] = [
    [() => number({ min: 1_000 }), -5, 'x must be a finite number >= 1000, got -5'],
    [() => number({ max: 10 }), 10.5, 'x must be a finite number <= 10, got 10.5'],
    [() => number({ min: 0, max: 1 }), Infinity, 'x must be a finite number from 0 to 1, got Infinity'],
    [() => number(), '5', 'x must be a finite number, got "5"'],
    [() => number(), Number.NaN, 'x must be a finite number, got NaN'],
    [() => number(), 5n, 'x must be a finite number, got 5n'],
    [() => number({ integer: true }), 1.5, 'x must be an integer, got 1.5'],
    [() => number({ integer: true, min: 1 }), -0, 'x must be an integer >= 1, got -0'],
    [() => number({ integer: true, min: 1, max: 3 }), 4, 'x must be an integer from 1 to 3, got 4'],
    [() => oneOf('all'), 'any', 'x must be "all", got "any"'],
    [() => oneOf('all', 'any'), null, 'x must be "all" or "any", got null'],
    [() => oneOf('a', 'b', 'c'), undefined, 'x must be "a", "b" or "c", got undefined'],
    [() => func(), {}, 'x must be a function, got an object'],
    [thing, [1, 2], 'x must be a Clock, got an array of 2'],
    [thing, { now: 5 }, 'x must be a Clock, got an object'],
    [thing, () => 5, 'x must be a Clock, got a function'],
    [() => either(number({ min: 0 }), oneOf('all')), true, 'x must be a finite number >= 0 or "all", got true'],
  ];
  test.each(rows)('%#: %s, %s', (rule, value, message) => {
    expect(messageOf(() => check('x', value, rule()))).toBe(message);
  });

  test('what a rule accepts comes back as it is', () => {
    const fn = (): void => undefined;
    const accepted: readonly (readonly [Rule<unknown>, unknown])[] = [
      [number({ min: 0, max: 0 }), -0],
      [number({ integer: true, min: 1, max: 3 }), 3],
      [number({ min: 1 }), Number.MAX_VALUE],
      [func(), fn],
      [thing(), Object.create({ now: fn })],
      [either(oneOf('a'), oneOf('b')), 'b'],
      [anything(), undefined],
    ];
    for (const [rule, value] of accepted) expect(check('x', value, rule)).toBe(value);
  });
});

describe('describe', () => {
  class Config {}
  const Anonymous = (() => class {})();
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [0, '0'],
    [-0, '-0'],
    [5n, '5n'],
    [false, 'false'],
    [Symbol('s'), 'Symbol(s)'],
    ['text "quoted"\n', '"text \\"quoted\\"\\n"'],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
    [[], 'an array of 0'],
    [{ secret: 'payload' }, 'an object'],
    [Object.create(null), 'an object'],
    [new Config(), 'a Config'],
    [new Anonymous(), 'an object'],
    [Config, 'function Config'],
    [() => undefined, 'a function'],
    [new Map([['secret', 1]]), 'a Map'],
  ])('%s', (value, text) => {
    expect(describeValue(value)).toBe(text);
  });

  test('what throws when touched is said to be unreadable', () => {
    const get = (): never => {
      throw new Error('hands off');
    };
    expect(describeValue(new Proxy({}, { get }))).toBe('an object that cannot be read');
    expect(describeValue(new Proxy(() => undefined, { get }))).toBe('a function that cannot be read');
  });

  test.each(hostileValues)('%s: one short line, never a throw', (_, value) => {
    expect(describeValue(value)).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,100}$/u);
  });
});

describe('readOptions', () => {
  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'ttlMs');
  });

  test('reads what is there and leaves the rest undefined', () => {
    const onEnd = (): void => undefined;
    expect({ ...readOptions('Pool', { ttlMs: 2_000, onEnd, id: undefined }, shape) }).toEqual({ ttlMs: 2_000, onEnd });
    for (const none of [undefined, {}]) expect(Object.keys(readOptions('Pool', none, shape))).toEqual([]);
    const { ttlMs, id } = readOptions('Pool', { ttlMs: 1_000 }, shape);
    expectTypeOf(ttlMs).toEqualTypeOf<number | undefined>();
    expectTypeOf(id).toEqualTypeOf<'a' | 'b' | undefined>();
  });

  test('an unknown name is refused with the names that there are, a misspelt and an undefined one too', () => {
    const message = 'Pool has no option "ttl"; it has ttlMs, id, onEnd';
    expect(messageOf(() => readOptions('Pool', { ttl: 5 }, shape))).toBe(message);
    expect(messageOf(() => readOptions('Pool', { ttl: undefined }, shape))).toBe(message);
  });

  test('names that are to be ignored are let pass, all others refused', () => {
    const options = { ttlMs: 2_000, other: -5 };
    expect({ ...readOptions('Pool', options, shape, ['other']) }).toEqual({ ttlMs: 2_000 });
    expect(messageOf(() => readOptions('Pool', { ...options, another: 1 }, shape, ['other']))).toContain('"another"');
    expect({ ...readOptions('Pool', options, { other: number() }, ['ttlMs']) }).toEqual({ other: -5 });
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', ''])(
    '%j is an ordinary unknown name',
    (name) => {
      const options: unknown = JSON.parse(`{ ${JSON.stringify(name)}: { "ttlMs": 5000 } }`);
      expect(messageOf(() => readOptions('Pool', options, shape))).toMatch(/^Pool has no option "/);
      expect(({} as { readonly ttlMs?: unknown }).ttlMs).toBeUndefined();
    },
  );

  test('only own properties count: nothing comes in through a prototype', () => {
    Object.defineProperty(Object.prototype, 'ttlMs', { value: -5, configurable: true });
    for (const options of [undefined, {}, Object.create({ ttlMs: 5 }) as unknown]) {
      expect(readOptions('Pool', options, shape).ttlMs).toBeUndefined();
    }
  });

  test('each is read once: a getter that changes its mind is not asked again', () => {
    const reads: number[] = [];
    const options = {
      get ttlMs() {
        reads.push(0);
        return reads.length === 1 ? 2_000 : -5;
      },
    };
    expect(readOptions('Pool', options, shape).ttlMs).toBe(2_000);
    expect(reads).toHaveLength(1);
  });

  test('a later change of the caller’s object changes nothing', () => {
    const options = { ttlMs: 2_000 };
    const read = readOptions('Pool', options, shape);
    options.ttlMs = -5;
    expect(read.ttlMs).toBe(2_000);
  });

  test.each([
    [null, 'null'],
    [5, '5'],
    ['ttlMs', '"ttlMs"'],
    [[], 'an array of 0'],
    [() => undefined, 'a function'],
  ])('options that are %s are refused', (options, received) => {
    expect(messageOf(() => readOptions('Pool', options, shape))).toBe(
      `Pool options must be an object, got ${received}`,
    );
  });
});
