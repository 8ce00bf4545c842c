import fc from 'fast-check';
import { isInvalidOption } from 'holdfast/core';
import { expect, test } from 'vitest';
import { describe, either, number, oneOf, readOptions } from '../../src/core/options.ts';
import { runs } from '../support/properties.ts';
import { anyText } from '../support/text.ts';

const anything = fc.oneof(
  fc.anything({
    maxDepth: 2,
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
  }),
  anyText(300),
  anyText().map(Symbol),
  anyText(300).map((name) => ({ constructor: { [name]: () => undefined }[name] })),
  fc.bigInt(),
);

const isOneLine = (text: string): boolean => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);

test('whatever comes, its description is one short line and never a throw', () => {
  fc.assert(
    fc.property(anything, (value) => {
      const text = describe(value);
      expect(typeof text).toBe('string');
      expect(text.length).toBeGreaterThan(0);
      expect(text.length).toBeLessThanOrEqual(100);
      expect(isOneLine(text)).toBe(true);
    }),
    { numRuns: runs(10) },
  );
});

test('what an object holds is never in its description', () => {
  const secret = 'hunter2';
  fc.assert(
    fc.property(fc.object({ values: [fc.constant(secret)], key: fc.constantFrom('a', 'b') }), (value) => {
      expect(describe(value)).not.toContain(secret);
      expect(describe([value, secret])).not.toContain(secret);
    }),
  );
});

test('a number is accepted exactly when it is a number, finite, whole if asked, and within both bounds', () => {
  const bound = fc.option(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true })), { nil: undefined });
  const value = fc.oneof(fc.integer({ min: -6, max: 6 }), fc.double(), fc.constantFrom(-0, NaN, Infinity), anything);
  fc.assert(
    fc.property(bound, bound, fc.boolean(), value, (min, max, integer, candidate) => {
      const rule = number({ ...(min !== undefined && { min }), ...(max !== undefined && { max }), integer });
      const model =
        typeof candidate === 'number' &&
        candidate - candidate === 0 &&
        (!integer || candidate % 1 === 0) &&
        !(min !== undefined && candidate < min) &&
        !(max !== undefined && candidate > max);
      expect(rule.accepts(candidate)).toBe(model);
    }),
    { numRuns: runs(10) },
  );
});

test('options are either read as they are or refused by one error that names the culprit', () => {
  const shape = { size: number({ min: 0 }), mode: oneOf('fast', 'safe'), both: either(number(), oneOf('all')) };
  const options = fc.dictionary(
    fc.oneof(fc.constantFrom('size', 'mode', 'both'), fc.constantFrom('__proto__', 'constructor', 'Size')),
    fc.oneof(fc.constantFrom(1, 'fast', 'all', undefined), anything),
  );
  fc.assert(
    fc.property(options, (given) => {
      const names = Object.keys(given);
      const fine = (name: string): boolean =>
        Object.hasOwn(shape, name) &&
        (given[name] === undefined || shape[name as keyof typeof shape].accepts(given[name]));
      const culprit = names.find((name) => !fine(name));
      try {
        const read = readOptions('Pool', given, shape);
        expect(culprit).toBeUndefined();
        for (const name of names) expect(read[name as keyof typeof shape]).toBe(given[name]);
        expect(Object.keys(read)).toEqual(names.filter((name) => given[name] !== undefined));
      } catch (error) {
        if (!isInvalidOption(error)) throw error;
        expect(culprit).toBeDefined();
        expect(error.message).toMatch(new RegExp(`^(${culprit!} must be .+, got |Pool has no option "${culprit!}"; )`));
        expect(isOneLine(error.message)).toBe(true);
      }
    }),
    { numRuns: runs(10) },
  );
});
