import fc from 'fast-check';
import { type Gathered, isInsufficientCoverage, type Requirement, scatterGather } from 'holdfast/scatter';
import { failOnLeaks } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { isHasty, runs } from '../support/properties.ts';
import {
  accept,
  acts,
  type AttemptLog,
  budgetOf,
  codeOf,
  CountingClock,
  instants,
  listenersOf,
  messagesOf,
  retryable,
  type Settled,
  Stage,
  timedActs,
  watch,
} from '../support/serving.ts';
import {
  callersReason,
  chance,
  type Need,
  predict,
  type PredictedOutcome,
  type Prediction,
  type Scenario,
} from './model.ts';

const needs: fc.Arbitrary<Need> = fc.oneof(
  fc.constantFrom<Need>('all', 'any'),
  fc.integer({ min: 0, max: 4 }),
  fc.record({ coverage: fc.constantFrom(0, 0.1, 1 / 3, 0.5, 2 / 3, 0.67, 0.75, 1) }),
  fc.record({ suffices: fc.record({ ok: fc.integer({ min: 0, max: 3 }), maxFailed: fc.integer({ min: 0, max: 2 }) }) }),
);

const hedges = fc.option(fc.record({ after: fc.integer({ min: 0, max: 6 }), extra: fc.integer({ min: 0, max: 3 }) }), {
  nil: undefined,
  freq: 3,
});

const retries = fc.option(
  fc.record({
    attempts: fc.integer({ min: 1, max: 4 }),
    backoff: fc.record({ baseMs: fc.constantFrom(0, 2, 4, 10), maxMs: fc.constantFrom(0, 4, 100) }),
  }),
  { nil: undefined, freq: 1 },
);

const circumstances = {
  need: needs,
  deadlineMs: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 30 }) },
    { weight: 2, arbitrary: fc.constant(Infinity) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1) },
  ),
  reserveMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 9 })),
  straggler: fc.constantFrom(0, 0, 0.25, 0.5, 1, { min: 0, max: 0.5 }, { min: 0.25, max: 1 }, { min: 0.5, max: 0.5 }),
  hedge: hedges,
  retry: retries,
  budget: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined, freq: 1 }),
  abort: fc.oneof(
    { weight: 6, arbitrary: fc.constant('never' as const) },
    { weight: 1, arbitrary: fc.constant('at once' as const) },
    { weight: 3, arbitrary: instants },
  ),
};

/**
 * Under a bound on concurrency the turn in which the next target is asked is p-limit's affair, which matters only beside
 * targets that take no time: these come with one at a time or with no bound.
 */
const scenarios: fc.Arbitrary<Scenario> = fc.oneof(
  fc.record({
    ...circumstances,
    leaves: fc.array(fc.array(acts, { minLength: 1, maxLength: 4, size: 'medium' }), { maxLength: 6, size: 'medium' }),
    concurrency: fc.constantFrom(undefined, undefined, 1),
  }),
  fc.record({
    ...circumstances,
    leaves: fc.array(fc.array(timedActs, { minLength: 1, maxLength: 4, size: 'medium' }), {
      maxLength: 6,
      size: 'medium',
    }),
    concurrency: fc.integer({ min: 1, max: 4 }),
  }),
);

function requirementOf(need: Need): Requirement {
  if (typeof need !== 'object' || 'coverage' in need) return need;
  return ({ ok, failed }) => ok >= need.suffices.ok && failed <= need.suffices.maxFailed;
}

interface Observed {
  readonly settled: Settled<Gathered<number, string>> | undefined;
  /** What the result looked like at the instant of settling, as text. */
  readonly snapshot: string;
  readonly attempts: readonly AttemptLog[];
  readonly discarded: Stage['discarded'];
}

const hourMs = 3_600_000;

/** Runs the scenario until nothing moves, and an hour more. What is still pending then is aborted, so that it may leak. */
async function observe(scenario: Scenario): Promise<Observed> {
  const stage = new Stage();
  return await failOnLeaks(
    async ({ signal, abort, runtime }) => {
      const counting = new CountingClock(runtime.clock);
      const { leaves, need, deadlineMs, reserveMs, straggler, hedge, retry, budget, concurrency } = scenario;
      const virtual = { clock: counting, random: () => chance };
      if (typeof scenario.abort === 'number') stage.clock.setTimer(scenario.abort, () => abort(callersReason));
      const promise = scatterGather(leaves.keys(), (index, attempt) => stage.perform(index, leaves[index]!, attempt), {
        require: requirementOf(need),
        deadline: deadlineMs,
        reserveMs,
        straggler,
        signal,
        discard: stage.discard,
        runtime: virtual,
        accept,
        ...(retry !== undefined && { retry: { ...retry, retryable } }),
        ...(budget !== undefined && { budget: budgetOf(budget, virtual) }),
        ...(hedge !== undefined && { hedge }),
        ...(concurrency !== undefined && { concurrency }),
      });
      const settled = watch(promise, stage.clock, counting, signal);
      let snapshot = '';
      const look = (): void => {
        snapshot = JSON.stringify(resultOf(settled()));
      };
      void promise.then(look, look);
      if (scenario.abort === 'at once') abort(callersReason);
      await stage.clock.runUntilIdle();
      const atRest = settled();
      await stage.clock.advance(hourMs);
      expect(settled()).toBe(atRest);
      const attempts = stage.attempts.map((attempt) => ({ ...attempt }));
      const discarded = [...stage.discarded];
      if (atRest === undefined) {
        expect(listenersOf(signal)).toBe(1);
        abort(callersReason);
        await stage.clock.runUntilIdle();
        expect(settled()).toMatchObject({ error: callersReason, timers: 0, listeners: 0 });
      }
      return { settled: atRest, snapshot, attempts, discarded };
    },
    { clock: stage.clock },
  );
}

/** The result of a gather, also of one that rejected. */
function resultOf(settled: Settled<Gathered<number, string>> | undefined): Gathered<number, string> | undefined {
  return isInsufficientCoverage<number, string>(settled?.error) ? settled.error.partial : settled?.value;
}

function outcomesOf(result: Gathered<number, string>): readonly PredictedOutcome[] {
  return result.outcomes.map(({ status, attempts, ms, value, cause, error }) => ({
    status,
    attempts,
    ms,
    ...(value !== undefined && { value }),
    ...(cause !== undefined && { cause }),
    ...(error !== undefined && { errors: messagesOf(error) }),
  }));
}

function kindOf(settled: Settled<unknown> | undefined): Prediction['kind'] {
  if (settled === undefined) return 'pending';
  if (settled.error === undefined) return 'resolved';
  return settled.error === callersReason ? 'aborted' : 'rejected';
}

function causeOf(error: unknown): Prediction['cause'] {
  const cause = (error as Error).cause;
  if (codeOf(cause) === 'DEADLINE_EXCEEDED') return 'late';
  return cause === undefined ? [] : messagesOf(cause);
}

/** What the model leaves to say: everything about the result that follows from its outcomes. */
function expectConsistent(result: Gathered<number, string>, count: number): void {
  const answered = result.outcomes.filter(({ status }) => status === 'ok');
  expect(result.outcomes.map(({ target }) => target)).toEqual(Array.from({ length: count }, (_, i) => i));
  expect(result.values).toEqual(answered.map(({ value }) => value));
  expect(result.coverage).toBe(count === 0 ? 1 : answered.length / count);
  expect(result.complete).toBe(answered.length === count);
  for (const part of [result, result.values, result.outcomes, ...result.outcomes])
    expect(Object.isFrozen(part)).toBe(true);
}

const reached = new Set<string>();

/** What happened in a run, so that the end of the property can tell that it saw everything. */
function mark(scenario: Scenario, { kind, outcomes, attempts, discarded, cause }: Prediction): void {
  reached.add(kind);
  if (kind === 'rejected') reached.add(cause === 'late' ? 'too late' : 'impossible');
  for (const { status } of kind === 'aborted' ? [] : outcomes) reached.add(`${kind} with ${status}`);
  for (const { cause, reason } of attempts) reached.add(cause).add(`aborted: ${String(reason)}`);
  if (discarded.length > 0) reached.add('discarded');
  if (scenario.concurrency !== undefined && outcomes.some(({ status }) => status === 'skipped')) reached.add('queued');
  if (outcomes.some(({ errors = [] }) => errors.length > 1)) reached.add('aggregate');
}

it('a gather settles when, how and with what the model says', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, async (scenario) => {
      const expected = predict(scenario);
      const { settled, snapshot, attempts, discarded } = await observe(scenario);

      expect(kindOf(settled)).toBe(expected.kind);
      if (settled !== undefined) expect(settled).toMatchObject({ atMs: expected.settledMs, timers: 0, listeners: 0 });
      expect(attempts).toEqual(expected.attempts);
      for (const { leftMs } of attempts) expect(leftMs).toBeGreaterThan(0);
      expect(discarded).toEqual(expected.discarded);
      const result = resultOf(settled);
      if (result !== undefined) {
        expect(outcomesOf(result)).toEqual(expected.outcomes);
        expectConsistent(result, scenario.leaves.length);
        expect(JSON.stringify(result), 'one hour later').toBe(snapshot);
      }
      if (expected.kind === 'rejected') expect(causeOf(settled!.error)).toEqual(expected.cause);
      mark(scenario, expected);
    }),
    { numRuns: runs(10) },
  );
  // A property that never met its cases would prove nothing.
  if (isHasty) return;
  expect([...reached].sort()).toEqual(
    [
      ...['pending', 'resolved', 'rejected', 'aborted', 'too late', 'impossible'],
      ...['ok', 'failed', 'late', 'cancelled', 'skipped'].flatMap((status) => [
        `resolved with ${status}`,
        `rejected with ${status}`,
      ]),
      ...['original', 'hedge', 'retry', 'discarded', 'queued', 'aggregate'],
      ...['undefined', 'SUPERSEDED', 'DEADLINE_EXCEEDED', 'Error: the caller is gone'].map((why) => `aborted: ${why}`),
    ].sort(),
  );
});
