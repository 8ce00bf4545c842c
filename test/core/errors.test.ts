import {
  type ErrorCode,
  HoldfastError,
  isClosed,
  isDeadlineExceeded,
  isHoldfastError,
  isInvalidOption,
  isUnsupported,
} from 'holdfast/core';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { branded } from '../../src/core/errors.ts';
import { hostileValues } from '../support/hostile.ts';

const codes: readonly ErrorCode[] = [
  'INVALID_OPTION',
  'DEADLINE_EXCEEDED',
  'NO_MEMBERS',
  'NO_NODES',
  'INSUFFICIENT_COVERAGE',
  'CLOSED',
  'ATTEMPTS_FAILED',
  'SUPERSEDED',
  'UNSUPPORTED',
  'LEAK',
];
const guards = {
  INVALID_OPTION: isInvalidOption,
  DEADLINE_EXCEEDED: isDeadlineExceeded,
  CLOSED: isClosed,
  UNSUPPORTED: isUnsupported,
};

/** The module as another copy of the package would bring it. */
const secondCopy = async (): Promise<typeof import('../../src/core/errors.ts')> => {
  vi.resetModules();
  return import('../../src/core/errors.ts');
};

describe('HoldfastError', () => {
  test('has a code, a message, a name, a stack and, when given, a cause', () => {
    const cause = new TypeError('behind');
    const error = new HoldfastError('CLOSED', 'the pool is closed', { cause });
    expect(error).toMatchObject({ code: 'CLOSED', message: 'the pool is closed', name: 'HoldfastError' });
    expect(error.cause).toBe(cause);
    expect(String(error)).toBe('HoldfastError: the pool is closed');
    expect(error.stack).toContain('errors.test.ts');
    expect('cause' in new HoldfastError('CLOSED', 'x')).toBe(false);
    for (const falsy of [undefined, null, 0])
      expect(new HoldfastError('CLOSED', 'x', { cause: falsy }).cause).toBe(falsy);
  });

  test('prints its code, and neither its name nor its brand', () => {
    expect(Object.keys(new HoldfastError('CLOSED', 'x'))).toEqual(['code']);
  });

  test('is an Error, and its subclasses are told apart', () => {
    class Lost extends HoldfastError {}
    class Found extends HoldfastError {}
    const error: unknown = new Lost('CLOSED', 'x');
    expect([error instanceof Error, error instanceof HoldfastError]).toEqual([true, true]);
    expect([error instanceof Lost, error instanceof Found]).toEqual([true, false]);
    expect(new HoldfastError('CLOSED', 'x') instanceof Lost).toBe(false);
    expect(isHoldfastError(error)).toBe(true);
  });
});

describe('across two copies of the package', () => {
  test('guards and instanceof recognise the other’s errors, both ways', async () => {
    const copy = await secondCopy();
    expect(copy.HoldfastError).not.toBe(HoldfastError);
    const ours: unknown = new HoldfastError('CLOSED', 'x');
    const theirs: unknown = new copy.HoldfastError('CLOSED', 'x');
    expect(Object.getPrototypeOf(theirs)).not.toBe(HoldfastError.prototype);
    expect([theirs instanceof HoldfastError, ours instanceof copy.HoldfastError]).toEqual([true, true]);
    expect([isHoldfastError(theirs), copy.isHoldfastError(ours)]).toEqual([true, true]);
    expect([isClosed(theirs), copy.isClosed(ours)]).toEqual([true, true]);
    expect([isInvalidOption(theirs), copy.isInvalidOption(ours)]).toEqual([false, false]);
  });

  test('a subclass is recognised by guards, not by instanceof', async () => {
    const copy = await secondCopy();
    class Lost extends HoldfastError {}
    class TheirLost extends copy.HoldfastError {}
    const theirs: unknown = new TheirLost('CLOSED', 'x');
    expect([theirs instanceof Lost, theirs instanceof HoldfastError, isClosed(theirs)]).toEqual([false, true, true]);
  });
});

describe('branded', () => {
  test('a built-in error becomes one of ours and stays what it was', async () => {
    const failures = [new Error('a'), new Error('b')];
    const error: unknown = branded(new AggregateError(failures, 'all have failed'), 'ATTEMPTS_FAILED');
    expect(error).toBeInstanceOf(AggregateError);
    expect(error).toMatchObject({ name: 'AggregateError', code: 'ATTEMPTS_FAILED', message: 'all have failed' });
    expect((error as AggregateError).errors).toEqual(failures);
    expect(Object.keys(error as object)).toEqual(['code']);
    expect([error instanceof HoldfastError, isHoldfastError(error, 'ATTEMPTS_FAILED'), isClosed(error)]).toEqual([
      true,
      true,
      false,
    ]);
    expect((await secondCopy()).isHoldfastError(error, 'ATTEMPTS_FAILED')).toBe(true);
  });
});

describe('the guards', () => {
  test.each(codes)('%s is recognised by its own guard only', (code) => {
    const error = new HoldfastError(code, 'x');
    expect(isHoldfastError(error)).toBe(true);
    for (const other of codes) expect(isHoldfastError(error, other)).toBe(other === code);
    for (const [guarded, guard] of Object.entries(guards)) expect(guard(error)).toBe(guarded === code);
  });

  const strangers: readonly (readonly [string, unknown])[] = [
    ...hostileValues,
    ...['', 'CLOSED', 0, 1n, true, null, undefined, Symbol('x'), () => undefined, [], new Map()].map(
      (value) => [typeof value, value] as const,
    ),
    ['an error', new Error('x')],
    ['an error with a code', Object.assign(new Error('x'), { code: 'CLOSED' })],
    ['a brand that is not true', { [Symbol.for('holdfast.error')]: 'yes', code: 'CLOSED' }],
    ['the class', HoldfastError],
    ['a function with the brand', Object.assign(() => 5, { [Symbol.for('holdfast.error')]: true, code: 'CLOSED' })],
  ];
  test.each(strangers)('refuse %s without a throw', (_, value) => {
    for (const guard of [isHoldfastError, ...Object.values(guards)]) expect(guard(value)).toBe(false);
    expect(value instanceof HoldfastError).toBe(false);
  });

  test('narrow the type', () => {
    const error: unknown = new HoldfastError('CLOSED', 'x');
    if (isHoldfastError(error)) expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
    if (isClosed(error)) expectTypeOf(error.code).toEqualTypeOf<'CLOSED'>();
    if (isHoldfastError(error, 'LEAK')) expectTypeOf(error.code).toEqualTypeOf<'LEAK'>();
    // @ts-expect-error -- codes are a closed list
    expect(isHoldfastError(error, 'OTHER')).toBe(false);
  });
});
