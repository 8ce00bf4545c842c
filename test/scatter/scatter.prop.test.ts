import fc from 'fast-check';
import { isHoldfastError } from 'holdfast/core';
import { type LeafOptions, type Outcome, scatter } from 'holdfast/scatter';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import {
  accept,
  acts,
  bad,
  codeOf,
  CountingClock,
  expectInvalid,
  finish,
  instants,
  listenersOf,
  type Script,
  Stage,
  steady,
  thrownBy,
  timedActs,
} from '../support/serving.ts';

const forever = (): Promise<never> => new Promise(() => undefined);

interface Plan {
  readonly leaves: readonly Script[];
  readonly deadlineMs: number;
  readonly concurrency: number | undefined;
  readonly hedge: { readonly after: number; readonly extra: number } | undefined;
  readonly abort: 'never' | 'at once' | number;
  /** After how many outcomes the loop is left. */
  readonly leaveAfter: number;
  /** How long the reader takes over each outcome. */
  readonly readMs: number;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  leaves: fc.array(fc.array(acts, { minLength: 1, maxLength: 3 }), { maxLength: 6, size: 'medium' }),
  deadlineMs: fc.oneof(fc.integer({ min: -1, max: 30 }), fc.constant(60)),
  concurrency: fc.constantFrom(undefined, undefined, 1, 2, 3),
  hedge: fc.option(fc.record({ after: fc.integer({ min: 0, max: 6 }), extra: fc.integer({ min: 0, max: 2 }) }), {
    nil: undefined,
  }),
  abort: fc.oneof(
    { weight: 6, arbitrary: fc.constant('never' as const) },
    { weight: 1, arbitrary: fc.constant('at once' as const) },
    { weight: 2, arbitrary: instants },
  ),
  leaveAfter: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 4 })),
  readMs: fc.constantFrom(0, 0, 3),
});

type Ending = 'left' | 'done' | { readonly thrown: unknown };
const reason = new Error('the caller is gone');

async function observe({ leaves, deadlineMs, concurrency, hedge, abort: when, leaveAfter, readMs }: Plan) {
  const stage = new Stage();
  const outcomes: Outcome<number, string>[] = [];
  const takenMs: number[] = [];
  let ending: Ending | undefined;
  let atEnd = { atMs: 0, timers: -1, listeners: -1 };
  await failOnLeaks(
    async ({ signal, abort, runtime }) => {
      const clock = new CountingClock(runtime.clock);
      const options: LeafOptions<string, number> = {
        deadline: deadlineMs,
        signal,
        accept,
        discard: stage.discard,
        concurrency,
        hedge,
        runtime: steady(clock),
      };
      if (typeof when === 'number') stage.clock.setTimer(when, () => abort(reason));
      const stream = scatter(leaves.keys(), (i, attempt) => stage.perform(i, leaves[i]!, attempt), options);
      const read = async (): Promise<void> => {
        try {
          for await (const outcome of stream) {
            outcomes.push(outcome);
            takenMs.push(stage.clock.now());
            if (outcomes.length === leaveAfter) break;
            if (readMs > 0) await stage.clock.sleep(readMs);
          }
          ending = outcomes.length === leaveAfter ? 'left' : 'done';
        } catch (error) {
          ending = { thrown: error };
        }
        atEnd = { atMs: stage.clock.now(), timers: clock.pending, listeners: listenersOf(signal) };
      };
      void read();
      if (when === 'at once') abort(reason);
      await stage.clock.runUntilIdle();
    },
    { clock: stage.clock },
  );
  return { stage, outcomes, takenMs, ending: ending!, atEnd };
}

const reached = new Set<string>();

it('gives each target one outcome, in the order of settling, and leaves nothing, however the loop ends', async () => {
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const { stage, outcomes, takenMs, ending, atEnd } = await observe(plan);
      expect(atEnd).toMatchObject({ timers: 0, listeners: 0 });
      const targets = outcomes.map(({ target }) => target);
      expect(new Set(targets).size).toBe(targets.length);

      if (ending === 'done') {
        expect([...targets].sort()).toEqual([...plan.leaves.keys()]);
        reached.add('done');
      } else if (ending === 'left') {
        expect(outcomes).toHaveLength(plan.leaveAfter);
        reached.add('left');
      } else {
        expect(ending.thrown).toBe(reason);
        expect(plan.abort).not.toBe('never');
        reached.add('aborted');
      }
      // What settled earlier comes earlier; a slow reader gets it later.
      const startedMs = (target: number): number => stage.attempts.find(({ leaf }) => leaf === target)?.startedMs ?? 0;
      const settledMs = outcomes
        .filter(({ status }) => status === 'ok' || status === 'failed')
        .map(({ target, ms }) => startedMs(target) + ms);
      expect(settledMs).toEqual([...settledMs].sort((a, b) => a - b));
      for (const [i, { status, attempts }] of outcomes.entries()) {
        reached.add(status);
        expect(attempts === 0).toBe(status === 'skipped');
        expect(attempts).toBeLessThanOrEqual(1 + (plan.hedge?.extra ?? 0));
        expect(Object.isFrozen(outcomes[i])).toBe(true);
        if (status === 'late' || status === 'skipped') expect(takenMs[i]).toBeGreaterThanOrEqual(plan.deadlineMs);
      }
      // Nothing starts once it is over, and everything open has been called off at that instant.
      const overMs = ending === 'done' ? Math.max(0, plan.deadlineMs) : atEnd.atMs;
      for (const { startedMs: ms, leftMs } of stage.attempts) {
        expect(ms).toBeLessThanOrEqual(overMs);
        expect(leftMs).toBeGreaterThan(0);
      }
      // An answer is taken or discarded, once.
      const answers = [...outcomes.flatMap(({ value }) => value ?? []), ...stage.discarded.map(({ value }) => value)];
      expect(new Set(answers).size).toBe(answers.length);
      if (stage.discarded.length > 0) reached.add('discarded');
    }),
    { numRuns: runs(10) },
  );
  expect([...reached].sort()).toEqual(['aborted', 'discarded', 'done', 'failed', 'late', 'left', 'ok', 'skipped']);
}, 60_000);

it('with a concurrency, never so many more than were taken are asked: a slow reader slows the asking', async () => {
  const scripts = fc.array(fc.array(timedActs, { minLength: 1, maxLength: 1 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      scripts,
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom(0, 5),
      async (leaves, concurrency, readMs) => {
        const stage = new Stage();
        let taken = 0;
        let most = 0;
        const leaf = (i: number, attempt: Parameters<Stage['perform']>[2]) => {
          const result = stage.perform(i, leaves[i]!, attempt);
          most = Math.max(most, new Set(stage.attempts.map(({ leaf }) => leaf)).size - taken);
          return result;
        };
        const read = async (): Promise<void> => {
          const stream = scatter(leaves.keys(), leaf, { concurrency, deadline: 500, runtime: steady(stage.clock) });
          for await (const { status } of stream) {
            if (status !== 'skipped') taken++;
            await stage.clock.sleep(readMs);
          }
        };
        await finish(stage.clock, read());
        // And the one that the reader has in hand.
        expect(most).toBeLessThanOrEqual(concurrency + 1);
        expect(most).toBeGreaterThan(0);
      },
    ),
    { numRuns: runs(2) },
  );
});

describe('scatter', () => {
  it('asks nobody until it is iterated, and anew each time it is', async () => {
    let asked = 0;
    const { signal } = new AbortController();
    const stream = scatter([1, 2], () => ++asked, { signal, deadline: 1_000 });
    await new VirtualClock().advance(10);
    expect(asked).toBe(0);
    expect(listenersOf(signal)).toBe(0);
    const seen: unknown[] = [];
    for (let i = 0; i < 2; i++) for await (const { value } of stream) seen.push(value);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it('counts a number as deadline from the first `next`', async () => {
    const clock = new VirtualClock();
    const stream = scatter([1], forever, { deadline: 20, runtime: steady(clock) });
    await clock.advance(100);
    const outcomes: unknown[] = [];
    await finish(
      clock,
      (async () => {
        for await (const { status, ms } of stream) outcomes.push([status, ms, clock.now()]);
      })(),
    );
    expect(outcomes).toEqual([['late', 20, 120]]);
  });

  it('answers several `next` at once, in their order, and a `return` in the middle', async () => {
    const clock = new VirtualClock();
    const signals: AbortSignal[] = [];
    const stream = scatter(
      [20, 5, 60],
      async (ms, { signal }) => {
        signals.push(signal);
        await clock.sleep(ms, signal);
        return ms;
      },
      { runtime: steady(clock) },
    );
    const iterator = stream[Symbol.asyncIterator]();
    const nexts = [iterator.next(), iterator.next(), iterator.next(), iterator.next()];
    await clock.advance(30);
    const left = iterator.return!();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, true]);
    expect(codeOf(signals[2]!.reason)).toBe('SUPERSEDED');
    const values = (await Promise.all([...nexts, left])).map(({ done, value }) =>
      done === true ? 'done' : value.value,
    );
    expect(values).toEqual([5, 20, 'done', 'done', 'done']);
    expect((await iterator.next()).done).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('that is left before it began never begins', async () => {
    let asked = 0;
    const iterator = scatter([1], () => ++asked)[Symbol.asyncIterator]();
    await iterator.return!();
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(asked).toBe(0);
  });

  it('throws the reason of an abort once, and discards what nobody took', async () => {
    const controller = new AbortController();
    const discarded: number[] = [];
    const iterator = scatter([1, 2, 3], (n) => (n === 3 ? forever() : n), {
      signal: controller.signal,
      discard: (n) => discarded.push(n),
    })[Symbol.asyncIterator]();
    expect(await iterator.next()).toMatchObject({ value: { target: 1 } });
    controller.abort('enough');
    await expect(iterator.next()).rejects.toBe('enough');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(discarded).toEqual([2]);
  });

  it('that has nothing open any more is deaf: what has come is the reader’s', async () => {
    const controller = new AbortController();
    const iterator = scatter([1, 2], (n) => n, { signal: controller.signal })[Symbol.asyncIterator]();
    await iterator.next();
    expect(listenersOf(controller.signal)).toBe(0);
    controller.abort();
    expect(await iterator.next()).toMatchObject({ done: false, value: { target: 2 } });
  });

  it.each<[unknown, unknown, object | undefined, string]>([
    [5, forever, undefined, 'targets must be an array or another iterable, got 5'],
    [[], 'leaf', undefined, 'leaf must be a function, got "leaf"'],
    [[], forever, { deadline: 'soon' }, 'deadline must be a Deadline or a number of milliseconds from now, got "soon"'],
    [[], forever, { retry: { attempts: 0 } }, 'attempts must be an integer from 1 to 100, got 0'],
    [[], forever, { budget: false }, 'budget must be a Budget, got false'],
    [
      [],
      forever,
      { require: 1 },
      'scatter has no option "require"; it has signal, deadline, reserveMs, hedge, retry, budget, accept, concurrency, discard, runtime',
    ],
  ])('refuses at once %j, %s, %j', (targets, leaf, options, message) => {
    expectInvalid(
      thrownBy(() => scatter(bad(targets), bad(leaf), options)),
      message,
    );
  });

  it('takes an outer attempt as its options', async () => {
    const seen: unknown[] = [];
    const options = { attempt: 1, cause: 'original', avoid: new Set(['x']), visit: () => undefined, deadline: 50 };
    for await (const outcome of scatter([1], (_, { avoid }) => seen.push(...avoid), options)) seen.push(outcome.status);
    expect(seen).toEqual(['x', 'ok']);
    expect(isHoldfastError(seen)).toBe(false);
  });
});
