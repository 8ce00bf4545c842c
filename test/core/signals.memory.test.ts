/*
 * A service has one long-lived signal and very many short calls below it. N = 1,000,000 calls, 64 of them in flight at any
 * time; every hundredth looks at its signal and waits under a deadline.
 */
import { getEventListeners } from 'node:events';
import { Deadline, systemClock } from 'holdfast/core';
import { describe, expect, test } from 'vitest';
import { Scope } from '../../src/core/scope.ts';
import { onAbort, type Unlink } from '../../src/core/signals.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

// A mutant of the mutation run gets fewer; those that keep what they should not are found all the same.
const calls = process.env['STRYKER_MUTATOR_WORKER'] === undefined ? 1_000_000 : 100_000;
const inFlight = 64;
const allowedBytes = 5 * 1024 * 1024;

const warnings = recordWarnings();

/** What is in use once everything that can be collected has been. */
const heapBytes = async (): Promise<number> => {
  await warningsSettled();
  gc!();
  gc!();
  return process.memoryUsage().heapUsed;
};

/** Opens `n` calls one after the other, closing each when it is 64 calls old, and the last ones at the end. */
const run = (n: number, open: (i: number) => Unlink): void => {
  const closers: Unlink[] = [];
  for (let i = 0; i < n; i++) {
    closers[i % inFlight]?.();
    closers[i % inFlight] = open(i);
  }
  for (const close of closers) close();
};

describe('nodejs/node#54614: one million calls on one parent that never aborts', () => {
  const parent = new AbortController();
  const ways: readonly (readonly [string, (i: number) => Unlink])[] = [
    ['linked', (i) => onAbort(parent.signal, () => i)],
    [
      'scopes',
      (i) => {
        const deadline = i % 100 === 0 ? Deadline.after(60_000) : undefined;
        const scope = new Scope('x', { signal: parent.signal, deadline }, systemClock);
        if (i % 100 === 0) scope.signal.addEventListener('abort', () => i);
        return () => {
          scope.close();
        };
      },
    ],
  ];

  test.each(ways)('%s: less than 5 MB, at most one listener, no warning', { timeout: 60_000 }, async (_, open) => {
    // Once before, so that what is made once is not counted.
    run(1_000, open);
    const before = await heapBytes();
    let most = 0;
    run(calls, (i) => {
      const close = open(i);
      if (i % 10_000 === 0) most = Math.max(most, getEventListeners(parent.signal, 'abort').length);
      return close;
    });
    const grown = (await heapBytes()) - before;
    expect(grown).toBeLessThan(allowedBytes);
    expect(most).toBe(1);
    expect(getEventListeners(parent.signal, 'abort')).toHaveLength(0);
    expect(warnings).toEqual([]);
  });

  test('the check has teeth: 50,000 calls left linked are already more than the million is allowed', async () => {
    const { signal } = new AbortController();
    const before = await heapBytes();
    for (let i = 0; i < 50_000; i++) onAbort(signal, () => i);
    expect((await heapBytes()) - before).toBeGreaterThan(allowedBytes);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });
});
