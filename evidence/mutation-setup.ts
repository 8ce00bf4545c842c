/**
 * How long a test may take while a mutant is tried: many times what it took in the first run, without one. What takes longer
 * is ended, and the mutant counted as one that took too long; else each would take as long as all tests together.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, expect, inject, vi } from 'vitest';

declare module 'vitest' {
  /** Said by the mutation tester. */
  interface ProvidedContext {
    mode?: 'dry-run' | 'mutant';
    globalNamespace?: string;
  }
}

/** Where the first run leaves for each file of tests how long its longest took: lines of `file ms`. */
const record = process.env['HOLDFAST_LONGEST']!;
const file = expect.getState().testPath!.replace(/^.*\/test\//, '');
const leastMs = 5_000;
const factor = 10; // several mutants are tried at a time, and the machine may be busy with something else
/** The clock is asked so seldom that what does not hang is hardly slower. */
const hitsPerLook = 4_096;

let startMs = performance.now();
beforeEach(() => {
  startMs = performance.now();
});

if (inject('mode') === 'dry-run') measure();
else if (inject('mode') === 'mutant') limit(Math.max(leastMs, factor * longestMs()));

function measure(): void {
  let longest = 0;
  afterEach(() => {
    longest = Math.max(longest, performance.now() - startMs);
  });
  afterAll(() => appendFileSync(record, `${file} ${longest.toFixed()}\n`));
}

function longestMs(): number {
  const times = readFileSync(record, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${file} `))
    .map((line) => Number(line.slice(file.length)));
  return Math.max(0, ...times);
}

function limit(limitMs: number): void {
  vi.setConfig({ testTimeout: limitMs, hookTimeout: limitMs }); // of one that waits for ever
  // No timer has a turn in one that never waits. But the mutation tester counts how often a mutant was come by, and throws
  // out of the code beyond so many times: that is so many when the time is over.
  const tester = (globalThis as Record<string, unknown>)[inject('globalNamespace')!] as { hitLimit?: number };
  const { hitLimit } = tester;
  if (hitLimit === undefined) return;
  let hits = 0;
  Object.defineProperty(tester, 'hitCount', {
    configurable: true,
    get: () => hits,
    set: (count: number) => {
      hits = count % hitsPerLook === 0 && performance.now() - startMs > limitMs ? Math.max(count, hitLimit + 1) : count;
    },
  });
}
