import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decide,
  type ElasticDecision,
  type ElasticSignals,
  elasticState,
  type ElasticState,
} from '../../../src/queue/elastic/law.ts';
import { runs } from '../../support/properties.ts';
import { calm, look, type Look, looks, signalsOf } from './work.ts';

const many = { numRuns: runs(10) };
const law = elasticState().law;

interface Played {
  readonly signals: ElasticSignals;
  readonly decision: ElasticDecision;
}

/** The pool does what is decided. */
function play(script: readonly Look[], state: ElasticState = elasticState(), start: ElasticSignals = calm): Played[] {
  let before = start;
  return script.map((one) => {
    const signals = Object.freeze(signalsOf(one, before));
    const decision = decide(signals, state);
    before = { ...signals, workers: decision.workers };
    return { signals, decision };
  });
}

/** The law as it is written in the reference, over the whole history, in no time at all to spare. */
function written(history: readonly Played[], now: ElasticSignals): number {
  const wantOf = ({ load, serviceMs, queued, busy, min, max }: ElasticSignals): number => {
    const jobs = busy + queued;
    const needed =
      serviceMs === undefined
        ? jobs
        : Math.max(1, Math.ceil(Math.max(load / 0.8, load + Math.sqrt(load)) + (queued * serviceMs) / 1_000));
    return Math.max(min, Math.min(needed, jobs, max));
  };
  const { nowMs, workers: n, busy, queued, serviceMs, coldStartMs, min, max, lagging } = now;
  const within = Math.max(min, Math.min(n, max));
  let ceiling = Infinity;
  if (queued === 0) ceiling = n;
  else if (lagging) ceiling = Math.max(1, n);
  else if (serviceMs === undefined) {
    const lastBlind = history.findLast(
      ({ signals, decision }) =>
        signals.serviceMs === undefined &&
        decision.workers > Math.max(signals.min, Math.min(signals.workers, signals.max)),
    );
    const rested = lastBlind === undefined || nowMs >= lastBlind.signals.nowMs + 250;
    ceiling = Math.max(1, rested ? 2 * n : n);
  } else if (n > 0 && (queued * serviceMs) / n < coldStartMs) ceiling = n;
  const want = wantOf(now);
  if (Math.min(want, ceiling) > within) return Math.min(want, ceiling);
  if (within !== n) return within;
  const windowMs = Math.max(10_000, 20 * coldStartMs);
  const seen = history.filter(({ signals }) => nowMs - signals.nowMs < windowMs).map(({ signals }) => wantOf(signals));
  const least = Math.max(min, Math.min(max, Math.max(busy, want, ...seen)));
  return least < n && (n <= 10 || least < 0.9 * n || least === min) ? least : n;
}

describe('decide', () => {
  test('is the law as it is written, over the whole history', () => {
    const sameStart = looks.chain((script) =>
      fc.constantFrom(0, 50, 600).map((coldStartMs) => script.map((one) => ({ ...one, coldStartMs }))),
    );
    fc.assert(
      fc.property(sameStart, (script) => {
        const played = play(script);
        played.forEach(({ signals, decision }, i) => {
          expect(decision.workers).toBe(written(played.slice(0, i), signals));
        });
      }),
      many,
    );
  });

  test('stays within the bounds, whatever comes', () => {
    fc.assert(
      fc.property(looks, (script) => {
        for (const { signals, decision } of play(script)) {
          for (const number of [decision.workers, decision.want]) {
            expect(number).toBeGreaterThanOrEqual(signals.min);
            expect(number).toBeLessThanOrEqual(signals.max);
            expect(Number.isInteger(number)).toBe(true);
          }
        }
      }),
      many,
    );
  });

  test('wants no more workers than there are jobs, and grows to no more', () => {
    fc.assert(
      fc.property(looks, (script) => {
        for (const { signals, decision } of play(script)) {
          const jobs = Math.max(signals.min, signals.busy + signals.queued);
          expect(decision.want).toBeLessThanOrEqual(jobs);
          if (decision.workers > signals.workers) expect(decision.workers).toBeLessThanOrEqual(jobs);
        }
      }),
      many,
    );
  });

  test('takes away no worker that is busy, but where the maximum is lower', () => {
    fc.assert(
      fc.property(looks, (script) => {
        for (const { signals, decision } of play(script))
          expect(decision.workers).toBeGreaterThanOrEqual(Math.min(signals.busy, signals.max));
      }),
      many,
    );
  });

  test('never has fewer because more wait', () => {
    fc.assert(
      fc.property(looks, look, fc.integer({ min: 1, max: 1_000 }), (script, last, more) => {
        const state = elasticState();
        const before = play(script, state).at(-1)!;
        const signals = signalsOf(last, { ...before.signals, workers: before.decision.workers });
        const few = decide(signals, structuredClone(state));
        const many = decide({ ...signals, queued: signals.queued + more }, state);
        expect(many.workers).toBeGreaterThanOrEqual(few.workers);
        expect(many.want).toBeGreaterThanOrEqual(few.want);
      }),
      many,
    );
  });

  test('is a function of the signals and of the state, which can be copied', () => {
    fc.assert(
      fc.property(looks, looks, (first, second) => {
        const state = elasticState();
        const middle = play(first, state).at(-1)!;
        const start = { ...middle.signals, workers: middle.decision.workers };
        const copy = structuredClone(state);
        expect(play(second, copy, start)).toEqual(play(second, state, start));
        expect(copy).toEqual(state);
      }),
      many,
    );
  });

  test('is at the minimum when there was no job for the window and a tick', () => {
    fc.assert(
      fc.property(looks, fc.integer({ min: 0, max: 249 }), (script, offset) => {
        const state = elasticState();
        const last = play(script, state).at(-1)!;
        const { min, max, coldStartMs, load, serviceMs, lagging } = last.signals;
        const windowMs = Math.max(law.windowMs, 20 * coldStartMs);
        let { workers } = last.decision;
        // Ticks that fall anywhere; the load is still remembered, and may be what it will.
        for (let t = offset; t <= windowMs + law.tickMs; t += law.tickMs) {
          const idle = { busy: 0, queued: 0, min, max, coldStartMs, load, serviceMs, lagging };
          ({ workers } = decide({ ...idle, nowMs: last.signals.nowMs + t, workers }, state));
        }
        expect(workers).toBe(min);
      }),
      many,
    );
  });

  test('adds none while the event loop is late, but the first, and what the minimum asks for', () => {
    fc.assert(
      fc.property(looks, (script) => {
        for (const { signals, decision } of play(script.map((one) => ({ ...one, lagging: true }))))
          expect(decision.workers).toBeLessThanOrEqual(Math.max(1, signals.min, signals.workers));
      }),
      many,
    );
  });

  test('gives a pool of none its first worker at once, whatever else is told', () => {
    fc.assert(
      fc.property(looks, look, (script, last) => {
        const state = elasticState();
        play(script, state);
        const signals = { ...signalsOf(last, calm), nowMs: 1e9, workers: 0, busy: 0, queued: last.queued + 1 };
        expect(decide(signals, state).workers).toBeGreaterThan(0);
      }),
      many,
    );
  });

  test('gives a reason exactly when the number changes', () => {
    fc.assert(
      fc.property(looks, (script) => {
        for (const { signals, decision } of play(script)) {
          expect(decision.reason !== undefined).toBe(decision.workers !== signals.workers);
          if (decision.reason === 'idle') expect(decision.workers).toBeLessThan(signals.workers);
          if (decision.reason === 'backlog' || decision.reason === 'rate')
            expect(decision.workers).toBeGreaterThan(signals.workers);
        }
      }),
      many,
    );
  });

  test('remembers no more numbers than there are between the bounds', () => {
    const bounds = { min: 2, max: 9 };
    fc.assert(
      fc.property(looks, (script) => {
        const state = elasticState();
        play(
          script.map((one) => ({ ...one, bounds })),
          state,
        );
        expect(state.wants.entries.length).toBeLessThanOrEqual(8);
      }),
      many,
    );
  });
});
