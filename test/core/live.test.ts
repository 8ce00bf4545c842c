import { currentOf, type Dyn, type Live } from 'holdfast/core';
import { describe, expect, expectTypeOf, test } from 'vitest';

class Config implements Live<readonly string[]> {
  current: readonly string[] = ['a'];
  version = 1;
  readonly ready: Promise<readonly string[]> = Promise.resolve(this.current);

  async *changes(): AsyncIterable<readonly string[]> {
    yield* [];
  }

  close(): void {
    this.version = -1;
  }
}

describe('currentOf', () => {
  test.each([
    ['a list', ['a', 'b']],
    ['text', 'current'],
    ['0', 0],
    ['NaN', Number.NaN],
    ['null', null],
    ['undefined', undefined],
    ['a function', () => undefined],
    ['a record with `current`', { current: 5 }],
    ['a record with `current` and `version`', { current: 5, version: 1, ready: Promise.resolve(5) }],
    ['weights by name, one of them called `changes`', { current: 1, changes: 2 }],
    ['an object with a method `changes` and nothing current', { changes: () => [] }],
    ['an object without a prototype', Object.create(null)],
    ['a map', new Map([['current', 1]])],
  ])('%s is itself', (_, value: unknown) => {
    expect(currentOf(value)).toBe(value);
  });

  test('a Live is its newest value, at each reading, also when closed', () => {
    const config = new Config();
    const dyn: Dyn<readonly string[]> = config;
    expect(currentOf(dyn)).toBe(config.current);
    const next = ['b', 'c'];
    config.current = next;
    expect(currentOf(dyn)).toBe(next);
    config.close();
    expect(currentOf(dyn)).toBe(next);
  });

  test('a Live is recognised by shape, its value may be anything', () => {
    for (const current of [undefined, null, 0, new Config(), { current: 5 }]) {
      expect(currentOf<unknown>({ current, changes: () => [] })).toBe(current);
    }
  });

  test('has the type of the value', () => {
    expectTypeOf(currentOf<readonly string[]>(new Config())).toEqualTypeOf<readonly string[]>();
    expectTypeOf(currentOf(5)).toEqualTypeOf<number>();
  });
});
