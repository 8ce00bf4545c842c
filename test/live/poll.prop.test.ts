import fc from 'fast-check';
import { poll } from 'holdfast/live';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { CountingClock, listenersOf, steady } from '../support/serving.ts';

/** What one fetch does. The source counts: behind cursor c come c + 1, c + 2, … */
interface Act {
  readonly takesMs: number;
  readonly does: 'gives' | 'fails' | 'is not iterable';
  readonly items: number;
  readonly more: boolean;
  readonly missed: number;
  /** Whether it rejects as soon as its signal aborts. */
  readonly heeds: boolean;
}

interface Plan {
  readonly acts: readonly Act[];
  /** How long the reader takes over each item. */
  readonly handleMs: readonly number[];
  readonly cursor: number | undefined;
  /** How the loop ends: by `break` after so many items, by `return()` or by the signal at an instant. */
  readonly end:
    { readonly by: 'break'; readonly after: number } | { readonly by: 'return' | 'abort'; readonly atMs: number };
}

const [everyMs, timeoutMs, baseMs, maxMs] = [10, 8.5, 4, 24];
const lastMs = 400.0025;

const plans: fc.Arbitrary<Plan> = fc.record({
  acts: fc.array(
    fc.record({
      takesMs: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1, 20, 1e9)),
      does: fc.constantFrom('gives', 'gives', 'gives', 'fails', 'is not iterable'),
      items: fc.nat(3),
      more: fc.boolean(),
      missed: fc.constantFrom(0, 0, 5),
      heeds: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8, size: 'max' },
  ),
  handleMs: fc.array(fc.constantFrom(0, 0, 1, 7, 30), { minLength: 1, maxLength: 4 }),
  cursor: fc.constantFrom(undefined, 100),
  end: fc.oneof(
    fc.record({ by: fc.constant('break' as const), after: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ by: fc.constantFrom('return' as const, 'abort' as const), atMs: fc.nat(150).map((ms) => ms + 0.005) }),
  ),
});

interface Run {
  /** When each fetch began, and with which cursor. */
  readonly fetches: (readonly [atMs: number, cursor: number | undefined])[];
  readonly items: (readonly [atMs: number, item: number])[];
  readonly events: (readonly [atMs: number, what: string, ...rest: unknown[]])[];
  endedMs: number | undefined;
  cursor: number | undefined;
}

/** What is to happen, from the rules of the documentation. */
function predict({ acts, handleMs, cursor, end }: Plan): Run {
  const run: Run = { fetches: [], items: [], events: [], endedMs: undefined, cursor };
  const endMs = end.by === 'break' ? lastMs : end.atMs;
  let [freeMs, dueMs, failures] = [0, 0, 0];
  for (let k = 0; ; k++) {
    const start = Math.max(freeMs, dueMs);
    if (start >= endMs) break;
    run.fetches.push([start, run.cursor]);
    const act = acts[k % acts.length]!;
    const inTime = act.takesMs < timeoutMs;
    const ended = start + Math.min(act.takesMs, timeoutMs);
    if (ended >= endMs) break;
    if (!inTime || act.does !== 'gives') {
      const retryMs = 0.75 * Math.min(maxMs, baseMs * 2 ** failures++);
      run.events.push([ended, 'failed', failures, retryMs]);
      dueMs = Math.max(ended + retryMs, inTime || act.heeds ? ended : start + act.takesMs);
      continue;
    }
    failures = 0;
    freeMs = ended;
    dueMs = ended + (act.more && act.items > 0 ? 0 : everyMs);
    const from = run.cursor;
    const to = (from ?? 0) + act.items;
    if (act.missed > 0) run.events.push([ended, 'missed', act.missed, from, to]);
    if (act.items === 0) run.cursor = to;
    for (let i = 1; i <= act.items; i++) {
      if (freeMs >= endMs) return { ...run, endedMs: end.by === 'break' ? undefined : freeMs };
      run.items.push([freeMs, (from ?? 0) + i]);
      if (i === act.items) run.cursor = to;
      if (end.by === 'break' && run.items.length === end.after) return { ...run, endedMs: freeMs };
      freeMs += handleMs[run.items.length % handleMs.length]!;
    }
  }
  // A reader who is busy hears of the end when he comes.
  return { ...run, endedMs: end.by === 'break' ? undefined : Math.max(freeMs, endMs) };
}

async function observe({ acts, handleMs, cursor, end }: Plan) {
  const virtual = new VirtualClock();
  const clock = new CountingClock(virtual);
  const run: Run = { fetches: [], items: [], events: [], endedMs: undefined, cursor };
  const flight = { now: 0, most: 0 };
  let last: AbortSignal | undefined;
  const stop = new AbortController();
  const source = poll<number, number>(
    (from, signal) => {
      last = signal;
      run.fetches.push([virtual.now(), from]);
      flight.most = Math.max(flight.most, ++flight.now);
      const act = acts[(run.fetches.length - 1) % acts.length]!;
      return new Promise((resolve, reject) => {
        const settle = (how: () => void): void => {
          flight.now--;
          how();
        };
        const timer = virtual.setTimer(act.takesMs, () => {
          settle(() => {
            if (act.does === 'fails') reject(new Error('down'));
            const items = Array.from({ length: act.items }, (_, i) => (from ?? 0) + i + 1);
            const batch = { cursor: (from ?? 0) + act.items, items, more: act.more, missed: act.missed };
            resolve(act.does === 'gives' ? batch : { ...batch, items: 5 as never });
          });
        });
        if (!act.heeds) return;
        signal.addEventListener('abort', () => {
          timer.cancel();
          settle(() => reject(signal.reason as Error));
        });
      });
    },
    {
      everyMs,
      timeoutMs,
      backoff: { baseMs, maxMs },
      cursor,
      ...(end.by === 'abort' && { signal: stop.signal }),
      runtime: steady(clock, 0.5),
    },
  );
  source.on('failed', ({ failures, retryMs }) => run.events.push([virtual.now(), 'failed', failures, retryMs]));
  source.on('missed', ({ missed, from, to }) => run.events.push([virtual.now(), 'missed', missed, from, to]));
  await virtual.advance(0);
  expect(run.fetches).toEqual([]);

  const reading = (async () => {
    for await (const item of source) {
      run.items.push([virtual.now(), item]);
      if (end.by === 'break' && run.items.length === end.after) break;
      const ms = handleMs[run.items.length % handleMs.length]!;
      if (ms > 0) await virtual.sleep(ms);
    }
    run.endedMs = virtual.now();
  })();
  if (end.by !== 'break') {
    virtual.setTimer(end.atMs, () => {
      if (end.by === 'abort') stop.abort();
      else void source.return();
    });
  }
  await virtual.advance(lastMs);
  const early = run.endedMs;
  await source.return();
  const fetches = run.fetches.length;
  await virtual.advance(3e9);
  await reading;
  expect(run.fetches).toHaveLength(fetches);
  return {
    run: { ...run, endedMs: early, cursor: source.cursor },
    most: flight.most,
    left: { timers: clock.pending, listeners: listenersOf(stop.signal), stuck: flight.now > 0 && !last!.aborted },
  };
}

describe('a poll', () => {
  it('equals its model, whatever the fetches do, however slow the reader, and however the loop ends', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const model = predict(plan);
        const { run, most, left } = await observe(plan);
        expect(run).toEqual(model);
        expect(most).toBeLessThanOrEqual(1);
        expect(left).toEqual({ timers: 0, listeners: 0, stuck: false });
        // In so many words: nothing is lost, doubled or out of order.
        const first = plan.cursor ?? 0;
        expect(run.items.map(([, item]) => item)).toEqual(run.items.map((_, i) => first + i + 1));
      }),
      { numRuns: runs(10) },
    );
  });
});
