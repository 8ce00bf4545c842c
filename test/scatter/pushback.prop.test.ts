import fc from 'fast-check';
import { scatterGather } from 'holdfast/scatter';
import { failOnLeaks } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { isHasty, runs } from '../support/properties.ts';
import {
  type Act,
  actOf,
  answer,
  CountingClock,
  fail,
  finish,
  hang,
  type Script,
  Stage,
  steady,
  watch,
} from '../support/serving.ts';
import { chance, predict } from './model.ts';

const pushing = (afterMs: number, pushbackMs: number): Act => ({ ...fail(afterMs), note: { pushbackMs } }) as Act;

const cases = fc.record({
  script: fc.array(
    fc.oneof(
      fc
        .record({ afterMs: fc.integer({ min: 0, max: 8 }), pushbackMs: fc.integer({ min: 0, max: 20 }) })
        .map(({ afterMs, pushbackMs }) => pushing(afterMs, pushbackMs)),
      fc.integer({ min: 0, max: 20 }).map((afterMs) => fail(afterMs)),
      fc.integer({ min: 10, max: 40 }).map((afterMs) => answer(afterMs)),
      fc.constant(hang()),
    ),
    { minLength: 2, maxLength: 5, size: 'medium' },
  ),
  hedge: fc.record({ after: fc.integer({ min: 0, max: 6 }), extra: fc.integer({ min: 1, max: 3 }) }),
  retry: fc.record({
    attempts: fc.integer({ min: 1, max: 4 }),
    backoff: fc.record({ baseMs: fc.constantFrom<number>(0, 4, 10), maxMs: fc.constantFrom<number>(4, 100) }),
  }),
  deadlineMs: fc.integer({ min: 10, max: 60 }),
});

type Case = typeof cases extends fc.Arbitrary<infer C> ? C : never;

async function run({ script, hedge, retry, deadlineMs }: Case) {
  const stage = new Stage();
  const counting = new CountingClock(stage.clock);
  const gathering = scatterGather([0], (_, attempt) => stage.perform(0, script, attempt), {
    hedge,
    retry,
    deadline: deadlineMs,
    runtime: { clock: counting, random: () => chance },
  });
  const settled = watch(gathering, stage.clock, counting);
  await failOnLeaks(() => stage.clock.runUntilIdle());
  expect(counting.pending).toBe(0);
  expect(counting.most).toBeLessThanOrEqual(2);
  return { stage, settled: settled()! };
}

const aside = { need: 'all', reserveMs: 0, straggler: 0, concurrency: undefined, abort: 'never' } as const;

it('no attempt starts before the time that a server has asked for, whatever its cause', async () => {
  let held = 0;
  await fc.assert(
    fc.asyncProperty(cases, async (each) => {
      const { stage, settled } = await run(each);
      const { attempts } = stage;
      for (const { attempt, startedMs } of attempts) {
        const act = actOf(each.script, attempt);
        if (!('note' in act) || typeof act.note !== 'object') continue;
        const failedMs = startedMs + act.afterMs;
        const others = attempts.filter((other) => other.startedMs > failedMs);
        for (const other of others) expect(other.startedMs).toBeGreaterThanOrEqual(failedMs + act.note.pushbackMs);
        if (others.some(({ cause }) => cause === 'hedge')) held++;
      }
      const predicted = predict({ ...each, ...aside, leaves: [each.script], budget: undefined });
      expect(attempts).toEqual(predicted.attempts);
      expect(settled.atMs).toBe(predicted.settledMs);
    }),
    { numRuns: runs(10) },
  );
  expect(held).toBeGreaterThan(isHasty ? 0 : 20);
});

describe('a pause that a server asks for', () => {
  const started = ({ attempts }: Stage): readonly string[] =>
    attempts.map(({ cause, startedMs }) => `${cause} at ${startedMs}`);
  const policies = { hedge: { after: 5, extra: 2 }, retry: { attempts: 3, backoff: { baseMs: 4, maxMs: 4 } } };

  it('holds back the hedge of another attempt’s silence, and no longer than asked', async () => {
    const script = [answer(60), pushing(2, 30), answer(1)];
    const { stage } = await run({ script, ...policies, deadlineMs: 100 });
    // The second fails at 7; the third was due at 10.
    expect(started(stage)).toEqual(['original at 0', 'hedge at 5', 'hedge at 37']);
  });

  it('holds back what follows on another attempt’s failure', async () => {
    const script = [fail(12), pushing(2, 30), answer(1)];
    const { stage } = await run({ script, ...policies, deadlineMs: 100 });
    expect(started(stage)).toEqual(['original at 0', 'hedge at 5', 'retry at 37']);
  });

  it('that does not fit into the time left leaves the call to what is under way', async () => {
    const script = [answer(40), pushing(2, 300), answer(1)];
    const { stage, settled } = await run({ script, ...policies, deadlineMs: 100 });
    expect(started(stage)).toEqual(['original at 0', 'hedge at 5']);
    expect(settled).toMatchObject({ atMs: 40, value: { values: ['0/1'] } });
  });

  it.each<[number, readonly string[]]>([
    // Deadline 100, failed at 10.
    [89, ['original at 0', 'retry at 99']],
    [89.9, ['original at 0', 'retry at 99.9']],
    [89.9995, ['original at 0']], // less than a microsecond is no time
    [90, ['original at 0']],
    [Infinity, ['original at 0']],
  ])('of %d ms where 90 are left', async (pushbackMs, expected) => {
    const script = [pushing(10, pushbackMs), answer(0)];
    const { stage, settled } = await run({ script, ...policies, hedge: { after: 50, extra: 1 }, deadlineMs: 100 });
    expect(started(stage)).toEqual(expected);
    if (expected.length === 1) expect(settled.atMs).toBe(10);
    else expect(settled.value!.complete).toBe(true);
  });

  it('for ever ends the attempts also where there is no deadline', async () => {
    const stage = new Stage();
    const script: Script = [answer(40), pushing(2, Infinity), answer(1)];
    const options = { ...policies, runtime: steady(stage.clock) };
    const gathering = scatterGather([0], (_, attempt) => stage.perform(0, script, attempt), options);
    await finish(stage.clock, gathering);
    expect(started(stage)).toEqual(['original at 0', 'hedge at 5']);
  });
});
