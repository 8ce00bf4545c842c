import { expect, it } from 'vitest';
import { TaskPool } from '../../../src/queue/pools/tasks.ts';
import { contextOf } from './contract.ts';

const run = (handler: (data: never) => unknown, data: unknown): unknown =>
  new TaskPool(handler).run({ data: data as never }, contextOf());

it('gives what the handler returns as it is: a value, a promise, somebody else’s thenable', () => {
  const promise = Promise.resolve(1);
  const thenable = { then: () => {} };
  for (const value of [1, undefined, promise, thenable]) expect(run((given) => given, value)).toBe(value);
});

it('what the handler throws is thrown', () => {
  expect(() => run(() => { throw new Error('at once'); }, 0)).toThrow('at once'); // prettier-ignore
});

it('the handler has no `this`, and gets the context as it is', () => {
  const context = contextOf();
  let seen: unknown[] = [];
  const pool = new TaskPool(function (this: unknown, ...args: unknown[]) {
    seen = [this, ...args];
  });
  void pool.run({ data: 1 }, context);
  expect(seen).toEqual([undefined, 1, context]);
  expect(seen[2]).toBe(context);
});

it('has its limits', () => {
  expect(new TaskPool(() => 1).suggestedMax).toBe(64);
  expect(new TaskPool(() => 1, { max: 8 }).suggestedMax).toBe(8);
  expect(() => new TaskPool(() => 1, { max: 0 })).toThrow('max must be an integer >= 1, got 0');
  expect(() => new TaskPool(1 as never)).toThrow('handler must be a function, got 1');
});
