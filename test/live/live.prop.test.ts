import fc from 'fast-check';
import { live } from 'holdfast/live';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { codeOf, CountingClock, listenersOf, steady } from '../support/serving.ts';

/** What one load does. Values 0 to 2 are valid, `validate` throws for 3 and returns false for 4. */
interface Act {
  readonly takesMs: number;
  readonly value: number | 'fails';
  /** Whether it rejects as soon as its signal aborts. */
  readonly heeds: boolean;
}

interface Plan {
  readonly acts: readonly Act[];
  /** When the trigger fires. */
  readonly hints: readonly number[];
  readonly closeMs: number;
  readonly readyMs: number;
  /** How long a slow reader takes over a value. */
  readonly readMs: number;
}

// No two things happen at the same instant: hints, the end of the first budget, of a timeout, of a stale time and the close
// each have a fraction of their own.
const [everyMs, settleMs, settleMaxMs, timeoutMs, staleMs, baseMs, maxMs] = [10, 3, 7, 8.5, 14.003, 4, 24];

const plans: fc.Arbitrary<Plan> = fc.record({
  acts: fc.array(
    fc.record({
      takesMs: fc.oneof(fc.nat(12), fc.nat(3), fc.constantFrom(20, 1e9)),
      value: fc.oneof({ weight: 4, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.constant('fails' as const) }),
      heeds: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12, size: 'max' },
  ),
  hints: fc
    .array(fc.nat(90), { maxLength: 12, size: 'max' })
    .map((times) => times.sort((a, b) => a - b).map((ms, i) => ms + 0.01 * (i + 1))),
  closeMs: fc.nat(150).map((ms) => ms + 0.005),
  readyMs: fc.nat(40).map((ms) => ms + 0.007),
  readMs: fc.constantFrom(1.3, 4.3, 25.3),
});

type Told = readonly [atMs: number, what: string, ...rest: unknown[]];

const near = (ms: number): number => Math.round(ms * 1e6) / 1e6;

/** What is to happen, from the rules of the documentation. */
function predict({ acts, hints, closeMs, readyMs }: Plan): { readonly told: Told[]; readonly startsMs: number[] } {
  const dues: number[] = [];
  for (let i = 0; i < hints.length;) {
    const first = hints[i]!;
    let due = Math.min(first + settleMs, first + settleMaxMs);
    while (++i < hints.length && hints[i]! < due) due = Math.min(hints[i]! + settleMs, first + settleMaxMs);
    dues.push(due);
  }
  const told: Told[] = [];
  const startsMs: number[] = [];
  let [current, version, failures, goodMs, ready, stale] = [-1, 0, 0, 0, false, false];
  const until = (ms: number): void => {
    if (!stale && goodMs + staleMs < ms) {
      stale = true;
      told.push([goodMs + staleMs, 'stale', true, staleMs]);
    }
    if (!ready && readyMs < ms) {
      ready = true;
      told.push([readyMs, 'unready', 'DEADLINE_EXCEEDED']);
    }
  };
  for (let [k, start] = [0, 0]; start < closeMs; k++) {
    startsMs.push(start);
    const act = acts[k % acts.length]!;
    const ended = Math.min(start + act.takesMs, start + timeoutMs);
    const inTime = start + act.takesMs < start + timeoutMs;
    const settled = inTime || !act.heeds ? start + act.takesMs : ended;
    if (ended > closeMs) break;
    until(ended);
    if (!inTime || act.value === 'fails') {
      failures++;
      told.push([ended, 'failed', failures, inTime ? 'no file' : 'DEADLINE_EXCEEDED']);
    } else {
      failures = 0;
      if (act.value >= 3) {
        if (!ready) told.push([ended, 'unready', act.value === 3 ? 'too much' : 'NOT_ACCEPTED']);
        ready = true;
        told.push([ended, 'rejected', act.value]);
      } else {
        if (stale) told.push([ended, 'stale', false, ended - goodMs]);
        [stale, goodMs] = [false, ended];
        if (act.value !== current) {
          if (!ready) told.push([ended, 'ready', act.value]);
          ready = true;
          told.push([ended, 'changed', act.value, version === 0 ? undefined : current, ++version]);
          current = act.value;
        }
      }
    }
    const pauseMs = failures === 0 ? everyMs : 0.75 * Math.min(maxMs, baseMs * 2 ** (failures - 1));
    const paused = ended + pauseMs;
    const hintMeanwhile = dues.some((due) => due > start && due < settled);
    start =
      hintMeanwhile || paused < settled ? settled : Math.min(paused, dues.find((due) => due > settled) ?? Infinity);
  }
  until(closeMs);
  if (!ready) told.push([closeMs, 'unready', 'CLOSED']);
  return { told, startsMs };
}

async function observe({ acts, hints, closeMs, readyMs, readMs }: Plan) {
  const virtual = new VirtualClock();
  const clock = new CountingClock(virtual);
  const told: Told[] = [];
  const startsMs: number[] = [];
  const signals: AbortSignal[] = [];
  const [flight, listening] = [{ now: 0, most: 0 }, { now: 0 }];
  let fire = (): void => undefined;
  const value = live(
    (signal) => {
      startsMs.push(virtual.now());
      signals.push(signal);
      flight.most = Math.max(flight.most, ++flight.now);
      const act = acts[(startsMs.length - 1) % acts.length]!;
      return new Promise<{ readonly is: number }>((resolve, reject) => {
        const settle = (how: () => void): void => {
          flight.now--;
          how();
        };
        const timer = virtual.setTimer(act.takesMs, () => {
          settle(() => (act.value === 'fails' ? reject(new Error('no file')) : resolve({ is: act.value })));
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
      staleMs,
      readyMs,
      settleMs,
      settleMaxMs,
      backoff: { baseMs, maxMs },
      trigger: (hint) => {
        fire = hint;
        listening.now++;
        return () => {
          listening.now--;
        };
      },
      validate: async ({ is }) => {
        if (is === 3) throw new Error('too much');
        return is < 3;
      },
      runtime: steady(clock, 0.5),
    },
  );
  const tell = (...what: readonly [string, ...unknown[]]): void => {
    told.push([virtual.now(), ...what]);
  };
  const messageOf = (error: unknown): unknown => {
    const code = codeOf(error);
    return code === error ? (error as Error).message : code;
  };
  value.ready.then(
    ({ is }) => tell('ready', is),
    (error: unknown) => tell('unready', messageOf(error)),
  );
  value.on('changed', ({ value: { is }, previous, version }) => {
    expect([value.current.is, value.version]).toEqual([is, version]);
    tell('changed', is, previous?.is, version);
  });
  value.on('rejected', ({ value: { is } }) => tell('rejected', is));
  value.on('failed', ({ failures, error }) => tell('failed', failures, messageOf(error)));
  value.on('stale', ({ active, ageMs }) => tell('stale', active, ageMs));

  const stop = new AbortController();
  const [fast, slow]: Told[][] = [[], []];
  const read = async (to: Told[], pauseMs: number): Promise<void> => {
    for await (const { is } of value.changes(stop.signal)) {
      to.push([virtual.now(), 'read', is, value.version]);
      if (pauseMs > 0) await virtual.sleep(pauseMs);
    }
    to.push([virtual.now(), 'end']);
  };
  void read(fast!, 0);
  void read(slow!, readMs);
  for (const ms of hints) virtual.setTimer(ms, () => fire());
  virtual.setTimer(closeMs, () => value.close());
  await virtual.advance(closeMs);
  const after = {
    timers: clock.pending,
    listeners: listenersOf(stop.signal),
    triggers: listening.now,
    aborted: signals.at(-1)!.aborted || flight.now === 0,
  };
  fire();
  await virtual.advance(3e9);
  return { told, startsMs, flight, after, fast: fast!, slow: slow!, value };
}

const sorted = (told: readonly Told[]): unknown[] =>
  told.map((each) => each.map((part) => (typeof part === 'number' ? near(part) : part)));

describe('a live value', () => {
  it('equals its model in any interleaving of loads, failures, hints, budgets and the close', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const model = predict(plan);
        const { told, startsMs, flight, after, fast, slow, value } = await observe(plan);
        expect(startsMs.map(near)).toEqual(model.startsMs.map(near));
        // What happens at one instant is told in any order: a promise is a little later than a listener.
        const order = (list: unknown[]): unknown[] =>
          (list as Told[]).sort(
            (a, b) => a[0] - b[0] || Number(b[1].endsWith('ready')) - Number(a[1].endsWith('ready')),
          );
        expect(order(sorted(told))).toEqual(order(sorted(model.told)));
        expect(flight.most).toBe(1);
        expect(after).toEqual({ timers: 0, listeners: 0, triggers: 0, aborted: true });

        const changed = model.told.filter(([, what]) => what === 'changed');
        // A reader that is always there reads each; one that is slow what is newest when he comes, and the last.
        expect(sorted(fast)).toEqual([
          ...sorted(changed.map(([atMs, , is, , version]) => [atMs, 'read', is, version])),
          [near(plan.closeMs), 'end'],
        ]);
        const expected: Told[] = [];
        let [freeMs, seen] = [0, 0];
        for (const change of changed) {
          const [atMs, , , , version] = change;
          if ((version as number) <= seen) continue;
          const readMs = Math.max(atMs, freeMs);
          const newest = freeMs <= atMs ? change : changed.filter(([ms]) => ms <= readMs).at(-1)!;
          seen = newest[4] as number;
          expected.push([readMs, 'read', newest[2], newest[4]]);
          freeMs = readMs + plan.readMs;
        }
        expect(sorted(slow)).toEqual([...sorted(expected), [near(Math.max(freeMs, plan.closeMs)), 'end']]);
        expect(value.version).toBe(changed.length);
      }),
      { numRuns: runs(10) },
    );
  });
});
