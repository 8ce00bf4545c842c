import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Health,
  type HealthEvent,
  type HealthRules,
  judge,
  mayTry,
  unknownHealth,
} from '../../src/balancing/health.ts';
import { isHasty, runs } from '../support/properties.ts';

const rules: HealthRules = {
  consecutive: 3,
  successRate: 0.5,
  windowMs: 1_000,
  minCalls: 6,
  baseMs: 100,
  maxMs: 1_500,
  rise: 2,
  fall: 3,
};

interface Step {
  readonly event: HealthEvent['type'];
  readonly ok: boolean;
  /** How long before its end the call began. */
  readonly tookMs: number;
  readonly trial: boolean;
  readonly alone: boolean;
  readonly panic: boolean;
  readonly othersFail: boolean;
  readonly chance: number;
  readonly waitMs: number;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    event: fc.oneof(
      { weight: 8, arbitrary: fc.constant('settled' as const) },
      { weight: 3, arbitrary: fc.constant('probed' as const) },
      {
        weight: 4,
        arbitrary: fc.constantFrom('tried' as const, 'untried' as const, 'hope' as const, 'calledOff' as const),
      },
      { weight: 1, arbitrary: fc.constant('alone' as const) },
    ),
    ok: fc.integer({ min: 0, max: 9 }).map((draw) => draw < 4),
    tookMs: fc.constantFrom(0, 1, 20, 400),
    trial: fc.boolean(),
    alone: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
    panic: fc.boolean(),
    othersFail: fc.integer({ min: 0, max: 9 }).map((draw) => draw === 0),
    chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    waitMs: fc.constantFrom(0, 1, 30, 100, 700, 5_000),
  }),
  { maxLength: 60, size: 'max' },
);

interface Outcome {
  readonly ok: boolean;
  readonly startedMs: number;
  readonly atMs: number;
}

/** Every step of a history: what was known before, what happened, what is known after. */
function* replay(history: readonly Step[]): Generator<{
  readonly step: Step;
  readonly before: Health;
  readonly after: Health;
  readonly now: number;
  /** All outcomes since the member was last restored, the newest last; what began before an ejection does not count in it. */
  readonly outcomes: readonly Outcome[];
  readonly recent: { readonly served: number; readonly failed: number };
}> {
  let health = unknownHealth;
  let now = 0;
  let outcomes: Outcome[] = [];
  for (const step of history) {
    now += step.waitMs;
    const before = health;
    const { ok, trial, alone, panic, tookMs } = step;
    const event: HealthEvent =
      step.event === 'settled'
        ? { type: 'settled', ok, trial, startedMs: now - tookMs }
        : step.event === 'probed'
          ? { type: 'probed', ok }
          : step.event === 'calledOff'
            ? { type: 'calledOff', startedMs: now - tookMs }
            : { type: step.event };
    if (event.type === 'settled' && before.ejection === undefined)
      outcomes.push({ ok, atMs: now, startedMs: now - tookMs });
    const weights = outcomes.map(({ atMs }) => Math.exp((atMs - now) / rules.windowMs));
    const tally = (of: boolean): number => outcomes.reduce((sum, { ok }, i) => sum + (ok === of ? weights[i]! : 0), 0);
    const recent = { served: tally(true), failed: tally(false) };
    health = judge(before, event, now, rules, {
      alone,
      panic,
      recent: () => recent,
      common: () => step.othersFail,
      chance: () => step.chance,
    });
    yield { step, before, after: health, now, outcomes, recent };
    if (before.ejection !== undefined && health.ejection === undefined) outcomes = [];
  }
}

/** Failures at the end; a success of a call that had started before the first of them did does not end the row. */
function failedInRow(outcomes: readonly Outcome[]): number {
  let row: Outcome[] = [];
  for (const outcome of outcomes) {
    if (!outcome.ok) row.push(outcome);
    else if (outcome.startedMs >= Math.min(...row.map(({ startedMs }) => startedMs))) row = [];
  }
  return row.length;
}

it('a member is ejected exactly when failures in a row or the success rate say so and the others are served, or its probes; never alone', () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(steps, (history) => {
      let probesFailed = 0;
      for (const { step, before, after, outcomes, recent } of replay(history)) {
        if (step.event === 'probed') probesFailed = step.ok ? 0 : probesFailed + 1;
        if (before.ejection === undefined && after.ejection !== undefined) reached.add(after.ejection.why);
        if (before.ejection === undefined) {
          expect(after.ejection === undefined || !step.alone).toBe(true);
          const inRow = failedInRow(outcomes);
          const failing = step.event === 'settled' && !step.ok && !step.alone && !step.othersFail;
          const calls = recent.served + recent.failed;
          const byRate = calls >= rules.minCalls && recent.served < rules.successRate * calls;
          const why = inRow >= rules.consecutive ? 'consecutive' : byRate ? 'successRate' : undefined;
          if (step.event === 'settled') expect(after.ejection?.why).toBe(failing ? why : undefined);
          if (step.event === 'probed' && after.ejection !== undefined)
            expect(probesFailed).toBeGreaterThanOrEqual(rules.fall);
          if (step.event !== 'settled' && step.event !== 'probed') expect(after).toBe(before);
        }
        if (before.ejection === undefined && after.ejection !== undefined) probesFailed = 0;
        if (before.ejection !== undefined && after.ejection === undefined) probesFailed = 0;
      }
    }),
    { numRuns: runs(10) },
  );
  if (!isHasty) expect([...reached].sort()).toEqual(['consecutive', 'probe', 'successRate']);
});

it('an ejected member comes back by a call that began afterwards, by its probes, or when it is alone, and by nothing else', () => {
  const reached = new Set<string>();
  fc.assert(
    fc.property(steps, (history) => {
      let rising = 0;
      for (const { step, before, after, now } of replay(history)) {
        if (before.ejection === undefined) {
          rising = 0;
          continue;
        }
        rising = step.event === 'probed' ? (step.ok ? rising + 1 : 0) : rising;
        const telling = before.ejection.why !== 'probe' && now - step.tookMs > before.ejection.sinceMs;
        const answered = step.event === 'settled' && step.ok && telling;
        const given = step.event === 'calledOff' && telling && before.ejection.calledOff === 2;
        const back = answered || given || step.event === 'alone' || (step.event === 'probed' && rising >= rules.rise);
        expect(after.ejection === undefined).toBe(back);
        if (!back) continue;
        reached.add(step.event);
        expect(after).toMatchObject({ inRow: 0, failedMs: -Infinity, restoredMs: now });
      }
    }),
    { numRuns: runs(10) },
  );
  if (!isHasty) expect([...reached].sort()).toEqual(['alone', 'calledOff', 'probed', 'settled']);
});

it('an ejection lasts half to all of baseMs, doubled by failed trials and soon relapses, up to maxMs; outside panic', () => {
  fc.assert(
    fc.property(steps, (history) => {
      for (const { step, before, after, now, recent } of replay(history)) {
        if (after.ejection === undefined || after.ejection.why === 'probe') continue;
        const longestMs = Math.min(rules.maxMs, rules.baseMs * 2 ** after.level);
        expect(after.lengthMs).toBeGreaterThanOrEqual(longestMs / 2);
        expect(after.lengthMs).toBeLessThanOrEqual(longestMs);
        if (before.ejection === undefined) {
          const relapse = now - before.restoredMs <= before.lengthMs && recent.served < rules.minCalls;
          expect(after.level).toBe(relapse ? before.level + 1 : 0);
          const { why } = after.ejection;
          expect(after.ejection).toEqual({ why, sinceMs: now, untilMs: now + after.lengthMs, calledOff: 0 });
        } else if (after.lengthMs !== before.lengthMs) {
          expect(step).toMatchObject({ event: 'settled', ok: false, trial: true });
          const risen = step.panic ? Math.max(before.level, Math.min(2, before.level + 1)) : before.level + 1;
          expect(after.level).toBe(risen);
          expect(after.ejection.untilMs).toBe(now + after.lengthMs);
        }
      }
    }),
    { numRuns: runs(10) },
  );
});

it('one trial at a time: the next is due when the one before came to nothing, or has been out for an ejection', () => {
  fc.assert(
    fc.property(steps, (history) => {
      for (const { step, before, after, now } of replay(history)) {
        if (before.ejection === undefined || before.ejection.why === 'probe') continue;
        if (step.event === 'tried') {
          expect(after.ejection!.untilMs).toBe(now + before.lengthMs);
          expect(mayTry(after, now)).toBe(false);
        }
        if (step.event === 'untried' || step.event === 'hope') expect(mayTry(after, now)).toBe(true);
      }
    }),
    { numRuns: runs(10) },
  );
});

it('an ejection is twice as long with each trial that fails, up to the longest, less up to a half by chance', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 70 }),
      (chances) => {
        let health = unknownHealth;
        let now = 0;
        const fail = (trial: boolean, chance: number): void => {
          health = judge(health, { type: 'settled', ok: false, trial, startedMs: now }, ++now, rules, {
            ...{ alone: false, panic: false, chance: () => chance },
            recent: () => ({ served: 0, failed: 1 }),
            common: () => false,
          });
        };
        for (let n = 0; n < rules.consecutive; n++) fail(false, 0);
        for (const [failed, chance] of [0, ...chances].entries()) {
          if (failed > 0) fail(true, chance);
          const longestMs = Math.min(rules.maxMs, rules.baseMs * 2 ** failed);
          expect(health.ejection!.untilMs - now).toBeCloseTo((longestMs * (1 + chance)) / 2, 6);
          now = health.ejection!.untilMs;
        }
      },
    ),
    { numRuns: runs(3) },
  );
});
