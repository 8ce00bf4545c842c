import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coldHeat, decideHeat, type Heat, type HeatInput, type HeatRules, isCold } from '../../src/sharding/heat.ts';
import { runs } from '../support/properties.ts';

const manyRuns = { numRuns: runs(10) };
const coolDownMs = 100;

const rules: fc.Arbitrary<HeatRules> = fc.record({
  base: fc.integer({ min: 1, max: 3 }),
  targetRate: fc.constantFrom(1, 10, 0.1),
  coolRatio: fc.constantFrom(0.5, 0.75, 0.99),
  coolDownMs: fc.constant(coolDownMs),
});

interface Look extends HeatInput {
  readonly afterMs: number;
}
/** Rates in units of `targetRate`; limits that come and go with the nodes. */
const look: fc.Arbitrary<Look> = fc.record({
  afterMs: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 400 }), fc.constant(coolDownMs)),
  rate: fc.oneof(fc.constantFrom(0, 1, 2, 3, 7, 1e9), fc.double({ min: 0, max: 9, noNaN: true })),
  limit: fc.oneof({ weight: 4, arbitrary: fc.constant(8) }, { weight: 1, arbitrary: fc.integer({ min: 3, max: 12 }) }),
  push: fc.nat({ max: 9 }).map((n) => n === 0),
  hold: fc.nat({ max: 5 }).map((n) => n === 0),
});
const looks = fc.array(look, { maxLength: 40 });

interface Trace {
  readonly nowMs: number;
  readonly before: Heat;
  readonly heat: Heat;
  readonly input: HeatInput;
  readonly effects: ReturnType<typeof decideHeat>['effects'];
}

function play(given: HeatRules, script: readonly Look[], start: Heat = coldHeat(given), startMs = 0): Trace[] {
  let nowMs = startMs;
  let heat = start;
  return script.map(({ afterMs, ...units }) => {
    nowMs += afterMs;
    const before = heat;
    const input = { ...units, rate: units.rate * given.targetRate };
    const decided = decideHeat(before, input, given, nowMs);
    heat = decided.heat;
    return { nowMs, before, input, ...decided };
  });
}

describe('decideHeat', () => {
  it('keeps to base <= replicas <= limit, and tells each change in order', () => {
    fc.assert(
      fc.property(rules, looks, (given, script) => {
        let told = given.base;
        for (const { heat, input, effects, before } of play(given, script)) {
          expect(heat.replicas).toBeGreaterThanOrEqual(given.base);
          expect(heat.replicas).toBeLessThanOrEqual(Math.max(given.base, input.limit));
          for (const { does, from, to } of effects) {
            expect(does === 'hot' ? to > from : to < from).toBe(true);
            if (does === 'retired') continue;
            expect(from).toBe(told);
            told = to;
          }
          expect(told).toBe(heat.replicas);
          if (effects.length === 0) expect(heat.replicas).toBe(before.replicas);
        }
      }),
      manyRuns,
    );
  });

  it('has at once what the rate needs, and never less', () => {
    fc.assert(
      fc.property(rules, looks, (given, script) => {
        for (const { heat, input } of play(given, script)) {
          const needed = Math.min(Math.ceil(input.rate / given.targetRate), input.limit);
          expect(heat.replicas).toBeGreaterThanOrEqual(Math.max(given.base, needed));
        }
      }),
      manyRuns,
    );
  });

  it('never falls while the rate rises', () => {
    fc.assert(
      fc.property(rules, looks, (given, script) => {
        const rising = script.map((one) => one.rate).sort((a, b) => a - b);
        const steady = script.map((one, i) => ({ ...one, rate: rising[i]!, limit: 8, push: false, hold: false }));
        // The start may be hotter than the first rate: only what rose may not fall again.
        for (const { heat, before } of play(given, steady))
          expect(heat.replicas).toBeGreaterThanOrEqual(before.replicas);
      }),
      manyRuns,
    );
  });

  it('changes nothing inside the band, however long', () => {
    fc.assert(
      fc.property(rules, looks, looks, fc.double({ min: 0, max: 1, noNaN: true }), (given, script, idle, place) => {
        const last = play(given, script).at(-1);
        fc.pre(last !== undefined && last.heat.replicas <= 8);
        const { replicas } = last.heat;
        const low = replicas === given.base ? 0 : (replicas - 1) * given.coolRatio * (1 + 1e-9);
        const quiet = idle.map((one) => ({
          ...one,
          rate: low + place * (replicas * (1 - 1e-9) - low),
          limit: 8,
          push: false,
          hold: false,
        }));
        for (const { heat, effects } of play(given, quiet, last.heat, last.nowMs)) {
          expect(heat.replicas).toBe(replicas);
          expect(effects.every(({ does }) => does === 'retired')).toBe(true);
        }
      }),
      manyRuns,
    );
  });

  it('steps down one at a time, coolDownMs apart, and only after coolDownMs of cool looks', () => {
    fc.assert(
      fc.property(rules, looks, (given, script) => {
        let warmMs = 0;
        let steppedMs = -Infinity;
        for (const { nowMs, heat, effects, input } of play(given, script)) {
          const steps = effects.filter(({ does }) => does === 'cool');
          if (heat.reason === 'cooled' && steps.length > 0) {
            for (const { from, to } of steps) expect(from - to).toBe(1);
            const firstMs = heat.sinceMs - (steps.length - 1) * coolDownMs;
            expect(firstMs - Math.max(warmMs, steppedMs)).toBeGreaterThanOrEqual(coolDownMs);
            expect(heat.sinceMs).toBeLessThanOrEqual(nowMs);
            steppedMs = heat.sinceMs;
          }
          const cool = (heat.replicas - 1) * given.targetRate * given.coolRatio >= input.rate && !input.hold;
          if (!cool || effects.some(({ does }) => does === 'hot')) warmMs = nowMs;
        }
      }),
      manyRuns,
    );
  });

  it('is at base (replicas - base) * coolDownMs after the load has stopped, looked at often or once', () => {
    fc.assert(
      fc.property(
        rules,
        looks,
        fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 30 }),
        (given, script, waits) => {
          const last = play(given, script).at(-1);
          fc.pre(last !== undefined);
          const none = { rate: 0, limit: 12, push: false, hold: false };
          const stopped = play(given, [{ ...none, afterMs: 0 }], last.heat, last.nowMs)[0]!;
          const needsMs = (stopped.heat.replicas - given.base) * coolDownMs;
          const once = play(given, [{ ...none, afterMs: needsMs }], stopped.heat, stopped.nowMs)[0]!;
          expect(once.heat.replicas).toBe(given.base);
          const often = play(
            given,
            waits.map((afterMs) => ({ ...none, afterMs })),
            stopped.heat,
            stopped.nowMs,
          );
          for (const { heat, nowMs } of often) {
            const single = play(given, [{ ...none, afterMs: nowMs - stopped.nowMs }], stopped.heat, stopped.nowMs)[0]!;
            expect(heat).toEqual(single.heat);
          }
          const gone = play(given, [{ ...none, afterMs: needsMs + coolDownMs }], stopped.heat, stopped.nowMs)[0]!;
          expect(isCold(gone.heat, given)).toBe(true);
        },
      ),
      manyRuns,
    );
  });

  it('reaches with writes what was read within coolDownMs, and no more after another one', () => {
    fc.assert(
      fc.property(rules, looks, (given, script) => {
        const trace = play(given, script);
        for (const [i, { heat, nowMs }] of trace.entries()) {
          expect(heat.reached).toBeGreaterThanOrEqual(heat.replicas);
          for (const past of trace.slice(0, i)) {
            if (nowMs - past.nowMs < coolDownMs) expect(heat.reached).toBeGreaterThanOrEqual(past.heat.replicas);
          }
          const lately = trace.slice(0, i + 1).filter((past) => nowMs - past.nowMs <= 2 * coolDownMs);
          const since = trace[i - lately.length]?.heat.replicas ?? given.base;
          const most = Math.max(since, ...lately.flatMap((past) => [past.heat.replicas, past.before.replicas]));
          expect(heat.reached).toBeLessThanOrEqual(most);
        }
      }),
      manyRuns,
    );
  });

  it('is the same object when nothing has changed', () => {
    fc.assert(
      fc.property(rules, look, (given, { rate }) => {
        const cold = coldHeat(given);
        fc.pre(rate < given.base * 0.999);
        const input = { rate: rate * given.targetRate, limit: 8, push: false, hold: false };
        expect(decideHeat(cold, input, given, 5).heat).toBe(cold);
      }),
      manyRuns,
    );
  });
});
