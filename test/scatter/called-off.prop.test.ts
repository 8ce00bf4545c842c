import fc from 'fast-check';
import type { Attempt } from 'holdfast/calls';
import { isInsufficientCoverage, scatterGather } from 'holdfast/scatter';
import { failOnLeaks } from 'holdfast/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { runs } from '../support/properties.ts';
import { acts, catchWarnings, CountingClock, listenersOf, type Script, Stage, watch } from '../support/serving.ts';

const kinds = [
  'nothing',
  'a leaf aborts the caller',
  'a leaf that is called off aborts the caller',
  'the requirement throws',
  'the requirement aborts the caller',
  'discard throws',
] as const;

/** What goes wrong, and at the how-manyth chance. */
const mischiefs = fc.record({ what: fc.constantFrom(...kinds), at: fc.integer({ min: 0, max: 4 }) });

const scenarios = fc.record({
  leaves: fc.array(fc.array(acts, { minLength: 1, maxLength: 4, size: 'medium' }), { maxLength: 8, size: 'medium' }),
  needed: fc.integer({ min: 0, max: 6 }),
  deadline: fc.integer({ min: 1, max: 30 }),
  straggler: fc.constantFrom(0, 0.3, 1),
  hedge: fc.record({ after: fc.integer({ min: 0, max: 6 }), extra: fc.integer({ min: 0, max: 3 }) }),
  concurrency: fc.integer({ min: 1, max: 5 }),
  mischief: mischiefs,
});

interface Seen {
  readonly leaf: number;
  readonly attempt: Attempt;
  readonly startedMs: number;
  /** Whether the caller had gone, or its leaf had answered, when it started. */
  readonly unwanted: boolean;
  settledMs: number;
  ok: boolean;
  abortedMs: number;
}

afterEach(() => {
  vi.restoreAllMocks();
});

it(
  'whatever the leaves and callbacks do, a gather settles once, starts nothing afterwards and leaves nothing',
  { timeout: 60_000 },
  async () => {
    catchWarnings();
    const struck = new Set<string>(['nothing']);
    await fc.assert(
      fc.asyncProperty(scenarios, async ({ leaves, needed, deadline, straggler, hedge, concurrency, mischief }) => {
        const stage = new Stage();
        const seen: Seen[] = [];
        let chances = 0;
        const strikes = (what: (typeof kinds)[number]): boolean => {
          if (mischief.what !== what || chances++ !== mischief.at) return false;
          struck.add(what);
          return true;
        };

        const settled = await failOnLeaks(
          async ({ signal, abort, runtime }) => {
            const clock = new CountingClock(runtime.clock);

            const perform = (leaf: number, script: Script, attempt: Attempt): string | PromiseLike<string> => {
              const log: Seen = {
                leaf,
                attempt,
                startedMs: clock.now(),
                unwanted:
                  signal.aborted ||
                  seen.some((other) => other.leaf === leaf && other.ok && other.settledMs < clock.now()),
                settledMs: Infinity,
                ok: false,
                abortedMs: Infinity,
              };
              seen.push(log);
              attempt.signal.addEventListener('abort', () => {
                log.abortedMs = clock.now();
                if (strikes('a leaf that is called off aborts the caller')) abort();
              });
              if (strikes('a leaf aborts the caller')) abort();
              const settle = (ok: boolean): void => {
                Object.assign(log, { settledMs: clock.now(), ok });
              };
              try {
                const result = stage.perform(leaf, script, attempt);
                Promise.resolve(result).then(
                  () => settle(true),
                  () => settle(false),
                );
                return result;
              } catch (error) {
                settle(false);
                throw error;
              }
            };

            const promise = scatterGather(leaves.keys(), (leaf, attempt) => perform(leaf, leaves[leaf]!, attempt), {
              require: ({ ok }) => {
                if (strikes('the requirement throws')) throw new Error('no judgement');
                if (strikes('the requirement aborts the caller')) abort();
                return ok >= needed;
              },
              deadline,
              straggler,
              hedge,
              concurrency,
              signal,
              discard: (value) => {
                if (strikes('discard throws')) throw new Error('no body');
                stage.discard(value);
              },
              runtime: { ...runtime, clock },
            });
            const ending = watch(promise, clock, clock, signal);
            await stage.clock.runUntilIdle();
            await stage.clock.advance(3_600_000);
            expect(listenersOf(signal)).toBe(0);
            return ending();
          },
          { clock: stage.clock },
        );

        expect(settled).toMatchObject({ timers: 0, listeners: 0 });
        expect(settled!.atMs).toBeLessThanOrEqual(deadline);
        expect(seen.filter(({ unwanted }) => unwanted)).toEqual([]);
        for (const { leaf, startedMs, settledMs, abortedMs } of seen) {
          expect(startedMs).toBeLessThanOrEqual(settled!.atMs);
          expect(seen.filter((other) => other.leaf === leaf).length).toBeLessThanOrEqual(1 + hedge.extra);
          // Called off at the latest when the gather settled, unless it had an end of its own by then.
          if (settledMs > settled!.atMs) expect(abortedMs).toBeLessThanOrEqual(settled!.atMs);
        }
        const result = isInsufficientCoverage<number, string>(settled!.error) ? settled!.error.partial : settled!.value;
        for (const [leaf, { status, attempts, value }] of (result?.outcomes ?? []).entries()) {
          expect(attempts).toBe(seen.filter((other) => other.leaf === leaf).length);
          expect(status === 'skipped').toBe(attempts === 0);
          // An answer that was taken is not called off, neither then nor an hour later.
          const winner = seen.find(
            (other) => other.leaf === leaf && value === `${String(leaf)}/${String(other.attempt.attempt)}`,
          );
          expect(winner?.abortedMs ?? Infinity).toBe(Infinity);
        }
      }),
      { numRuns: runs(5) },
    );
    expect(struck).toEqual(new Set(kinds));
  },
);
