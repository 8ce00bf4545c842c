import { expect, test } from 'vitest';
import { reportError } from '../../src/core/report.ts';
import { hostileValues } from '../support/hostile.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

const warnings = recordWarnings();

test('an error is a process warning that says where, what and why, with the stack of the error', async () => {
  const error = new RangeError('too far');
  reportError('discard failed', error);
  await warningsSettled();
  expect(warnings).toHaveLength(1);
  const [warning] = warnings;
  expect(warning).toMatchObject({
    name: 'HoldfastWarning',
    message: 'holdfast: discard failed: too far',
    cause: error,
  });
  expect(warning!.stack).toBe(`holdfast: discard failed: too far\n${error.stack!}`);
});

test.each([
  ['text', '"text"'],
  [undefined, 'undefined'],
  [null, 'null'],
  [{ secret: 'payload' }, 'an object'],
  [new Error(''), ''],
])('%o has the text %j', async (error, text) => {
  reportError('x failed', error);
  await warningsSettled();
  expect(warnings.map(({ message }) => message)).toEqual([`holdfast: x failed: ${text}`]);
  expect(warnings[0]!.stack).toContain('report.test.ts');
});

test.each(hostileValues)('%s is reported, not thrown', async (_, error) => {
  reportError('x failed', error);
  await warningsSettled();
  expect(warnings).toHaveLength(1);
  expect(warnings[0]!.message).toMatch(/^holdfast: x failed: [^\p{Cc}]{1,100}$/u);
  expect(typeof warnings[0]!.stack).toBe('string');
});
