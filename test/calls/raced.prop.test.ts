import fc from 'fast-check';
import { type Attempt, hedge, retry } from 'holdfast/calls';
import { failOnLeaks } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { callersReason, chance, predict, type Prediction, type Scenario } from '../scatter/model.ts';
import { runs } from '../support/properties.ts';
import {
  accept,
  acts,
  type AttemptLog,
  budgetOf,
  codeOf,
  CountingClock,
  instants,
  messagesOf,
  retryable,
  type Script,
  Stage,
  watch,
} from '../support/serving.ts';

const common = {
  leaves: fc.array(acts, { minLength: 1, maxLength: 4, size: 'medium' }).map((script) => [script]),
  need: fc.constant('all' as const),
  deadlineMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 1, max: 30 }) },
    { weight: 3, arbitrary: fc.constant(Infinity) },
    { weight: 1, arbitrary: fc.constantFrom(0, -1) },
  ),
  reserveMs: fc.constant(0),
  straggler: fc.constant(0),
  budget: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined, freq: 3 }),
  concurrency: fc.constant(undefined),
  abort: fc.oneof(
    { weight: 6, arbitrary: fc.constant('never' as const) },
    { weight: 1, arbitrary: fc.constant('at once' as const) },
    { weight: 3, arbitrary: instants },
  ),
};

/** A hedged or a retried call, in the words of the model: a gather of one. */
const scenarios: fc.Arbitrary<Scenario> = fc.oneof(
  fc.record({
    ...common,
    hedge: fc.record({ after: fc.integer({ min: 0, max: 6 }), extra: fc.integer({ min: 0, max: 3 }) }),
    retry: fc.constant(undefined),
  }),
  fc.record({
    ...common,
    hedge: fc.constant(undefined),
    retry: fc.record({
      attempts: fc.integer({ min: 1, max: 4 }),
      backoff: fc.record({ baseMs: fc.constantFrom(0, 2, 4, 10), maxMs: fc.constantFrom(0, 4, 100) }),
    }),
  }),
);

type Ending =
  | { readonly atMs: number; readonly value: string }
  | { readonly atMs: number; readonly messages: readonly string[] }
  | { readonly atMs: number; readonly reason: unknown };

/** How the call ends, read off what the model says of the gather. */
function endingOf({ kind, settledMs: atMs, outcomes, cause }: Prediction): Ending | undefined {
  if (kind === 'pending') return undefined;
  if (kind === 'aborted') return { atMs, reason: callersReason };
  if (cause === 'late') return { atMs, reason: 'DEADLINE_EXCEEDED' };
  const [outcome] = outcomes;
  return outcome?.value === undefined ? { atMs, messages: outcome!.errors! } : { atMs, value: outcome.value };
}

interface Observed {
  readonly ending: Ending | undefined;
  readonly attempts: readonly AttemptLog[];
  readonly discarded: Stage['discarded'];
  readonly mostTimers: number;
}

async function observe(scenario: Scenario): Promise<Observed> {
  const { leaves, deadlineMs, abort: when } = scenario;
  const stage = new Stage();
  return await failOnLeaks(
    async ({ signal, abort, runtime }) => {
      const clock = new CountingClock(runtime.clock);
      const virtual = { clock, random: () => chance };
      const options = {
        accept,
        discard: stage.discard,
        budget: scenario.budget === undefined ? (false as const) : budgetOf(scenario.budget, virtual),
        runtime: virtual,
      };
      const attempt = (script: Script, about: Attempt) => stage.perform(0, script, about);
      const call =
        scenario.hedge === undefined
          ? retry(attempt, { ...scenario.retry, retryable, ...options })
          : hedge(attempt, { ...scenario.hedge, ...options });
      if (typeof when === 'number') stage.clock.setTimer(when, () => abort(callersReason));
      const settled = watch(call(leaves[0]!, { signal, deadline: deadlineMs }), stage.clock, clock, signal);
      if (when === 'at once') abort(callersReason);
      await stage.clock.runUntilIdle();
      const atRest = settled();
      await stage.clock.advance(3_600_000);
      expect(settled()).toBe(atRest);
      const seen = { attempts: stage.attempts.map((log) => ({ ...log })), discarded: [...stage.discarded] };
      if (atRest === undefined) abort(callersReason);
      await stage.clock.runUntilIdle();
      expect(settled()).toMatchObject({ timers: 0, listeners: 0 });
      return { ...seen, mostTimers: clock.most, ending: atRest && endingSeen(atRest) };
    },
    { clock: stage.clock },
  );
}

function endingSeen({ atMs, value, error }: { atMs: number; value?: string; error?: unknown }): Ending {
  if (value !== undefined) return { atMs, value };
  if (error instanceof AggregateError) expect(codeOf(error)).toBe('ATTEMPTS_FAILED');
  else if (error === callersReason || codeOf(error) !== error) return { atMs, reason: codeOf(error) };
  return { atMs, messages: messagesOf(error) };
}

it(
  'a hedged or retried call settles when, how and after which attempts the model says',
  { timeout: 60_000 },
  async () => {
    const reached = new Set<string>();
    await fc.assert(
      fc.asyncProperty(scenarios, async (scenario) => {
        const prediction = predict(scenario);
        const expected = endingOf(prediction);
        const { ending, attempts, discarded, mostTimers } = await observe(scenario);

        expect(ending).toEqual(expected);
        expect(attempts).toEqual(prediction.attempts);
        expect(attempts.length).toBeLessThanOrEqual(scenario.retry?.attempts ?? 1 + scenario.hedge!.extra);
        expect(attempts.length).toBeLessThanOrEqual(1 + (scenario.budget ?? Infinity));
        expect(discarded).toEqual(prediction.discarded);
        // One of the hedge at a time, and the deadline's.
        expect(mostTimers).toBeLessThanOrEqual(scenario.deadlineMs === Infinity ? 1 : 2);

        for (const { cause, reason } of attempts) reached.add(cause).add(`aborted: ${String(reason)}`);
        if (discarded.length > 0) reached.add('discarded');
        for (const key of ['value', 'messages', 'reason'])
          if (expected !== undefined && key in expected) reached.add(key);
        if (expected === undefined) reached.add('pending');
        if (attempts.length > 2 && expected !== undefined && 'messages' in expected) reached.add('aggregate');
      }),
      { numRuns: runs(10) },
    );
    expect([...reached].sort()).toEqual(
      [
        ...['undefined', 'SUPERSEDED', 'DEADLINE_EXCEEDED', 'Error: the caller is gone'].map(
          (why) => `aborted: ${why}`,
        ),
        ...['original', 'hedge', 'retry', 'discarded', 'value', 'messages', 'reason', 'pending', 'aggregate'],
      ].sort(),
    );
  },
);
