import fc from 'fast-check';
import { probe } from 'holdfast/live';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { codeOf, CountingClock, steady } from '../support/serving.ts';

/** What one check does. */
interface Act {
  readonly takesMs: number;
  readonly does: 'is well' | 'rejects' | 'is false' | 'throws';
  /** Whether it rejects as soon as its signal aborts. */
  readonly heeds: boolean;
}

interface Plan {
  readonly acts: readonly Act[];
  readonly rise: number;
  readonly fall: number;
  /** When somebody asks. */
  readonly asks: readonly number[];
  readonly closeMs: number;
}

const [everyMs, jitter, chance, timeoutMs] = [10, 0.4, 0.5, 6.5];

const plans: fc.Arbitrary<Plan> = fc.record({
  acts: fc.array(
    fc.record({
      takesMs: fc.oneof(fc.nat(8), fc.constantFrom(0, 40, 1e9)),
      does: fc.constantFrom('is well', 'is well', 'is well', 'rejects', 'is false', 'throws'),
      heeds: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12, size: 'max' },
  ),
  rise: fc.integer({ min: 1, max: 4 }),
  fall: fc.integer({ min: 1, max: 4 }),
  asks: fc
    .array(fc.nat(150), { maxLength: 12, size: 'max' })
    .map((times) => times.sort((a, b) => a - b).map((ms, i) => ms + 0.01 * (i + 1))),
  closeMs: fc.nat(250).map((ms) => ms + 0.005),
});

interface Run {
  readonly startsMs: number[];
  readonly told: (readonly [atMs: number, what: string, ...rest: unknown[]])[];
  /** Of each who asks: when he was answered, and what. */
  readonly answers: (readonly [atMs: number, well: boolean])[];
}

/** The health by its definition: the last checks in a row decide, the first by itself. */
function wellAfter(results: readonly boolean[], rise: number, fall: number): boolean {
  let well = results[0]!;
  for (let i = 1; i < results.length; i++) {
    if (well && i + 1 >= fall && results.slice(i + 1 - fall, i + 1).every((ok) => !ok)) well = false;
    else if (!well && i + 1 >= rise && results.slice(i + 1 - rise, i + 1).every((ok) => ok)) well = true;
  }
  return well;
}

const near = (ms: number): number => Math.round(ms * 1e6) / 1e6;

function predict({ acts, rise, fall, asks, closeMs }: Plan): Run {
  const run: Run = { startsMs: [], told: [], answers: [] };
  const results: boolean[] = [];
  let [well, version, busyUntilMs, failures] = [false, 0, 0, 0];
  const learn = (atMs: number, error?: unknown): void => {
    results.push(error === undefined);
    failures = error === undefined ? 0 : failures + 1;
    if (error !== undefined) run.told.push([near(atMs), 'failed', failures, error]);
    const now = wellAfter(results, rise, fall);
    if (now !== well || version === 0) run.told.push([near(atMs), 'changed', now, ++version]);
    well = now;
  };
  let waiting = [...asks];
  for (let turn = 0; turn < closeMs;) {
    let ended = turn;
    const before = well;
    /** Until when it is as it was before this turn. */
    let knownMs = turn;
    if (turn < busyUntilMs) {
      knownMs = turn + timeoutMs;
      if (knownMs < Math.min(busyUntilMs, closeMs)) learn(knownMs, 'DEADLINE_EXCEEDED');
    } else {
      const act = acts[run.startsMs.length % acts.length]!;
      run.startsMs.push(near(turn));
      const takesMs = act.does === 'throws' ? 0 : act.takesMs;
      ended = turn + Math.min(takesMs, timeoutMs);
      busyUntilMs = takesMs < timeoutMs || act.heeds ? ended : turn + takesMs;
      const errors = { 'is well': undefined, rejects: 'down', 'is false': 'NOT_ACCEPTED', throws: 'down' };
      if (ended < closeMs) learn(ended, takesMs < timeoutMs ? errors[act.does] : 'DEADLINE_EXCEEDED');
    }
    // Those who ask meanwhile wait for it; those who ask later get what is known, until it is too old.
    let next = turn + everyMs * (1 + jitter * chance);
    for (const ask of waiting) {
      if (ask >= closeMs) break;
      if (ask < ended) run.answers.push([near(Math.min(ended, closeMs)), well]);
      else if (ask < turn + everyMs) run.answers.push([near(ask), ask < knownMs ? before : well]);
      else {
        next = Math.min(next, ask);
        break;
      }
      waiting = waiting.slice(1);
    }
    turn = next;
  }
  for (const ask of waiting) run.answers.push([near(ask), well]);
  return run;
}

async function observe({ acts, rise, fall, asks, closeMs }: Plan) {
  const virtual = new VirtualClock();
  const clock = new CountingClock(virtual);
  const run: Run = { startsMs: [], told: [], answers: [] };
  const flight = { now: 0, most: 0 };
  let last: AbortSignal | undefined;
  const up = probe(
    (signal) => {
      last = signal;
      const act = acts[run.startsMs.length % acts.length]!;
      run.startsMs.push(near(virtual.now()));
      if (act.does === 'throws') throw new Error('down');
      flight.most = Math.max(flight.most, ++flight.now);
      return new Promise((resolve, reject) => {
        const settle = (how: () => void): void => {
          flight.now--;
          how();
        };
        const timer = virtual.setTimer(act.takesMs, () => {
          settle(() => (act.does === 'rejects' ? reject(new Error('down')) : resolve(act.does === 'is well')));
        });
        if (!act.heeds) return;
        signal.addEventListener('abort', () => {
          timer.cancel();
          settle(() => reject(signal.reason as Error));
        });
      });
    },
    { everyMs, jitter, timeoutMs, rise, fall, runtime: steady(clock, chance) },
  );
  expect(up.current).toBe(false);
  up.on('failed', ({ failures, error }) => {
    const code = codeOf(error);
    run.told.push([near(virtual.now()), 'failed', failures, code === error ? (error as Error).message : code]);
  });
  up.on('changed', ({ value, version }) => {
    expect([up.current, up.version]).toEqual([value, version]);
    run.told.push([near(virtual.now()), 'changed', value, version]);
  });
  const answers: (readonly [number, boolean])[] = [];
  asks.forEach((ms, i) => {
    virtual.setTimer(ms, () => {
      void up.check().then((well) => (answers[i] = [near(virtual.now()), well]));
    });
  });
  virtual.setTimer(closeMs, () => up.close());
  await virtual.advance(3e9);
  const ready = await up.ready.then(
    (well) => well,
    (error: unknown) => codeOf(error),
  );
  return {
    run: { ...run, answers },
    ready,
    most: flight.most,
    left: { timers: clock.pending, stuck: flight.now > 0 && !last!.aborted },
  };
}

describe('a probe', () => {
  it('equals its model, whatever the checks do and whoever asks meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const model = predict(plan);
        const { run, ready, most, left } = await observe(plan);
        expect(run).toEqual(model);
        expect(most).toBeLessThanOrEqual(1);
        expect(left).toEqual({ timers: 0, stuck: false });
        const first = model.told.find(([, what]) => what === 'changed');
        expect(ready).toBe(first === undefined ? 'CLOSED' : first[2]);
        // In so many words: never two checks in less than `everyMs`.
        run.startsMs.slice(1).forEach((ms, i) => expect(ms - run.startsMs[i]!).toBeGreaterThanOrEqual(everyMs - 1e-6));
      }),
      { numRuns: runs(10) },
    );
  });
});
