import fc from 'fast-check';
import {
  type Condition,
  failOnLeaks,
  isFault,
  latency,
  seededRandom,
  type ServerStats,
  SimulatedServer,
  VirtualClock,
} from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs } from '../support/properties.ts';

type Act =
  | { readonly does: 'call' | 'nothing' }
  | { readonly does: 'abort'; readonly which: number }
  | { readonly does: 'become'; readonly condition: Condition };

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom('healthy', 'stalled', 'silent', 'dead'),
  fc.record({ latency: fc.nat(20).map(latency.constant), failRate: fc.constantFrom(0, 0.5, 1) }),
);
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ does: 'call' as const }) },
  { weight: 1, arbitrary: fc.constant({ does: 'nothing' as const }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('abort' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('become' as const), condition }) },
);
const script = fc.array(fc.record({ afterMs: fc.nat(12), act }), { maxLength: 60, size: 'max' });
const setup = fc.record({
  workers: fc.constantFrom(1, 2, 5, Infinity),
  maxQueued: fc.constantFrom(0, 3, Infinity),
  onAbort: fc.constantFrom('drop' as const, 'finish' as const),
  seed: fc.integer(),
});

type End = 'open' | 'served' | 'failed' | 'called off';

interface Run {
  readonly stats: ServerStats;
  readonly ends: readonly { readonly end: End; readonly atMs: number; readonly startMs: number }[];
}

function conserved(stats: ServerStats): void {
  const { arrived, done, failed, cancelled, queued, busy, swallowed, wasted } = stats;
  expect(done + failed + cancelled + queued + busy + swallowed).toBe(arrived);
  for (const count of Object.values(stats)) expect(count).toBeGreaterThanOrEqual(0);
  expect(wasted).toBeLessThanOrEqual(done + failed);
}

async function play(
  { workers, maxQueued, onAbort, seed }: typeof setup extends fc.Arbitrary<infer T> ? T : never,
  acts: readonly { readonly afterMs: number; readonly act: Act }[],
): Promise<Run> {
  const clock = new VirtualClock();
  const server = new SimulatedServer({
    latency: latency.exponential(10),
    workers,
    maxQueued,
    onAbort,
    runtime: { clock, random: seededRandom(seed) },
  });
  const controllers: AbortController[] = [];
  const ends: { end: End; atMs: number; startMs: number }[] = [];
  const look = (): void => {
    const stats = server.stats();
    conserved(stats);
    expect(stats.busy).toBeLessThanOrEqual(workers);
    expect(stats.queued).toBeLessThanOrEqual(maxQueued === Infinity ? Infinity : Math.max(maxQueued, 0));
  };
  for (const { afterMs, act: one } of acts) {
    await clock.advance(afterMs);
    if (one.does === 'call') {
      const controller = new AbortController();
      controllers.push(controller);
      const arrivedMs = clock.now();
      const result = { end: 'open' as End, atMs: Infinity, startMs: Infinity };
      ends.push(result);
      server.call('anything', { signal: controller.signal }).then(
        ({ waitedMs, workedMs }) => {
          Object.assign(result, { end: 'served', atMs: clock.now(), startMs: arrivedMs + waitedMs });
          expect(waitedMs + workedMs).toBeCloseTo(clock.now() - arrivedMs, 6);
        },
        (error: unknown) => {
          Object.assign(result, { end: isFault(error) ? 'failed' : 'called off', atMs: clock.now() });
        },
      );
    } else if (one.does === 'abort') {
      controllers[one.which % Math.max(1, controllers.length)]?.abort('enough');
    } else if (one.does === 'become') {
      server.become(one.condition);
    }
    look();
  }
  await clock.runUntilIdle();
  look();
  return { stats: server.stats(), ends };
}

test('conservation: what has come is done, failed, cancelled, queued, busy or swallowed, at each moment', async () => {
  await fc.assert(
    fc.asyncProperty(setup, script, async (options, acts) => {
      const { stats, ends } = await play(options, acts);
      const count = (end: End): number => ends.filter((one) => one.end === end).length;
      expect(stats.arrived).toBe(ends.length);
      expect(count('served') + count('failed')).toBe(stats.done + stats.failed - stats.wasted);
      if (options.onAbort === 'drop') {
        expect(count('called off')).toBe(stats.cancelled);
        expect(stats.wasted).toBe(0);
        expect(count('open')).toBe(stats.queued + stats.busy + stats.swallowed);
      } else {
        expect(stats.cancelled).toBe(0);
      }
    }),
    { numRuns: runs(5) },
  );
});

test('when all has run, work is left only with a server that is stalled, requests only where it was silent', async () => {
  await fc.assert(
    fc.asyncProperty(setup, script, async (options, acts) => {
      const conditions = acts.flatMap(({ act: one }) => (one.does === 'become' ? [one.condition] : []));
      const { stats } = await play(options, acts);
      if (conditions.at(-1) !== 'stalled') expect([stats.queued, stats.busy]).toEqual([0, 0]);
      if (!conditions.includes('silent') || conditions.at(-1) === 'dead') expect(stats.swallowed).toBe(0);
    }),
    { numRuns: runs(2) },
  );
});

test('first come, first served: work starts in the order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(setup, script, async (options, acts) => {
      const { ends } = await play(options, acts);
      const starts = ends.filter(({ end }) => end === 'served').map(({ startMs }) => startMs);
      expect(starts.every((ms, i) => i === 0 || ms >= starts[i - 1]! - 1e-9)).toBe(true);
    }),
    { numRuns: runs(2) },
  );
});

test('same seed, same run', async () => {
  await fc.assert(
    fc.asyncProperty(setup, script, async (options, acts) => {
      expect(await play(options, acts)).toEqual(await play(options, acts));
    }),
  );
});

test('a worker is never idle while somebody waits: with k workers, work ends when a list of k lanes says', async () => {
  const jobs = fc.array(fc.record({ gapMs: fc.nat(10), workMs: fc.nat(30) }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(jobs, fc.integer({ min: 1, max: 4 }), async (list, workers) => {
      const clock = new VirtualClock();
      let next = 0;
      const server = new SimulatedServer({
        latency: () => list[next++]!.workMs,
        workers,
        runtime: { clock, random: seededRandom(1) },
      });
      const lanes = Array.from({ length: workers }, () => 0);
      const expected: number[] = [];
      const found: Promise<number>[] = [];
      let nowMs = 0;
      for (const { gapMs, workMs } of list) {
        nowMs += gapMs;
        await clock.advance(gapMs);
        found.push(server.call().then(() => clock.now()));
        const lane = lanes.indexOf(Math.min(...lanes));
        lanes[lane] = Math.max(lanes[lane]!, nowMs) + workMs;
        expected.push(lanes[lane]);
      }
      await clock.runUntilIdle();
      expect(await Promise.all(found)).toEqual(expected);
    }),
    { numRuns: runs(3) },
  );
});

test('no timer, listener or rejection is left when the calls have settled', async () => {
  const short = fc.constantFrom<Condition>('healthy', 'dead', { failRate: 1 }, { latency: latency.constant(50) });
  await fc.assert(
    fc.asyncProperty(setup, short, fc.nat(60), async (options, after, abortAtMs) => {
      const clock = new VirtualClock();
      await failOnLeaks(
        async ({ runtime, signal, abort }) => {
          const server = new SimulatedServer({
            latency: latency.constant(20),
            workers: options.workers,
            onAbort: options.onAbort,
            phases: [{ fromMs: 15, condition: after }],
            runtime: { clock: runtime.clock, random: seededRandom(options.seed) },
          });
          const calls = Array.from({ length: 5 }, () => server.call(undefined, { signal }).catch(() => undefined));
          runtime.clock.setTimer(abortAtMs, abort);
          await clock.runUntilIdle();
          await Promise.all(calls);
        },
        { clock },
      );
    }),
  );
});
