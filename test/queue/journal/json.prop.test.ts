/** Data at the door: what is let in comes back as it was. */
import fc from 'fast-check';
import { isInvalidOption } from 'holdfast/core';
import { describe, expect, it } from 'vitest';
import { jsonOf } from '../../../src/queue/stores/journal/json.ts';

const refused = (value: unknown, maxBytes = 1_000): string => {
  try {
    jsonOf('data', value, maxBytes);
  } catch (error) {
    expect(isInvalidOption(error)).toBe(true);
    return (error as Error).message;
  }
  throw new Error('it was let in');
};

const circle: unknown[] = [];
circle.push({ again: circle });
let deep: unknown = 1;
for (let i = 0; i < 100_000; i++) deep = [deep];
class Point {
  readonly x = 1;
}

describe('data', () => {
  it('of JSON is let in and comes back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const there = JSON.parse(JSON.stringify(value)) as unknown; // -0
        expect(JSON.parse(jsonOf('data', value, 1e9))).toEqual(there);
      }),
    );
  });

  it('of any kind is let in as it is, or refused', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (value) => {
          let text: string;
          try {
            text = jsonOf('data', value, 1e9);
          } catch (error) {
            expect(isInvalidOption(error)).toBe(true);
            return;
          }
          expect(JSON.stringify(JSON.parse(text))).toBe(text);
          expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        },
      ),
    );
  });

  it.each([
    [undefined, 'data must be JSON, got undefined'],
    [{ a: undefined }, 'data.a must be JSON, got undefined'],
    [{ list: [1, () => 1] }, 'data.list[1] must be JSON, got a function'],
    [{ 'a b': { c: 1n } }, 'data["a b"].c must be JSON, got 1n'],
    [Symbol('s'), 'data must be JSON, got Symbol(s)'],
    [NaN, 'data must be JSON, got NaN'],
    [{ x: -Infinity }, 'data.x must be JSON, got -Infinity'],
    [{ when: new Date(0) }, 'data.when must be JSON, got a Date'],
    [new Map(), 'data must be JSON, got a Map'],
    [new Point(), 'data must be JSON, got a Point'],
    [new Uint8Array(2), 'data must be JSON, got a Uint8Array'],
    [{ toJSON: () => 1 }, 'data must be JSON, got an object'],
    // eslint-disable-next-line no-sparse-arrays -- a hole is what is tested
    [[1, , 2], 'data[1] must be JSON, got undefined'],
    [circle, 'data[0].again must be JSON, got what contains it'],
    [deep, `data${'[0]'.repeat(500)} must be JSON no deeper than 500`],
  ])('is refused, with the path: %#', (value, message) => {
    expect(refused(value)).toBe(message);
  });

  it('is refused beyond its size, in bytes', () => {
    expect(jsonOf('data', 'é'.repeat(9), 20)).toBe(`"${'é'.repeat(9)}"`);
    expect(refused('é'.repeat(10), 20)).toBe('data must be at most 20 bytes as JSON, got 22');
  });

  it('may have keys that mean something to objects', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":1},"constructor":2,"then":3}') as object;
    expect(jsonOf('data', hostile, 1_000)).toBe('{"__proto__":{"polluted":1},"constructor":2,"then":3}');
    expect(jsonOf('data', Object.assign(Object.create(null) as object, { a: 1 }), 100)).toBe('{"a":1}');
  });
});
