import fc from 'fast-check';
import { createSim, drawFaults, type Fault, type FaultPlanOptions, faults, seededRandom } from 'holdfast/testing';
import { describe, expect, test } from 'vitest';
import { runs, seed as fcSeed } from '../../support/properties.ts';

const types = ['partition', 'link', 'pause', 'crash', 'skew'] as const;
const pool = ['a', 'b', 'c', 'd', 'e'];
const options: fc.Arbitrary<FaultPlanOptions> = fc.record({
  nodes: fc.integer({ min: 1, max: 5 }).map((n) => pool.slice(0, n)),
  services: fc.constantFrom(undefined, ['store'], ['store', 'other']),
  horizonMs: fc.integer({ min: 1, max: 100_000 }),
  maxFaults: fc.nat(8),
  maxForMs: fc.option(fc.integer({ min: 1, max: 200_000 }), { nil: undefined }),
  maxDrift: fc.constantFrom(undefined, 0.01),
});

const check = (plan: readonly Fault[], given: FaultPlanOptions): void => {
  const { nodes, services = [], horizonMs, maxFaults, maxForMs = Infinity, maxDrift = 0 } = given;
  expect(plan.length).toBeLessThanOrEqual(maxFaults!);
  for (const fault of plan) {
    expect(fault.atMs).toBeGreaterThanOrEqual(0);
    const endMs = fault.atMs + (fault.type === 'skew' ? 0 : fault.forMs);
    expect(endMs).toBeLessThanOrEqual(horizonMs);
    if (fault.type !== 'skew') expect(fault.forMs).toBeLessThanOrEqual(maxForMs);
    if (fault.type === 'partition' || fault.type === 'link') {
      expect([...fault.from, ...fault.to].toSorted()).toEqual([...nodes, ...services].toSorted());
      expect(fault.from.length * fault.to.length).toBeGreaterThan(0);
    } else expect(nodes).toContain(fault.node);
    if (fault.type === 'skew') expect(Math.abs((fault.rate ?? 1) - 1)).toBeLessThanOrEqual(maxDrift + 1e-12);
  }
};

const refused = expect.objectContaining({ code: 'INVALID_OPTION' }) as Error;

describe('faults, drawn or shrunk', () => {
  test('strike whom they may, and are over at the horizon', () => {
    fc.assert(
      fc.property(fc.nat(), options, (seed, given) => {
        check(drawFaults(seededRandom(seed), given), given);
        const arbitrary: fc.Arbitrary<Fault[]> = faults(fc, given);
        for (const plan of fc.sample(arbitrary, { seed, numRuns: 3 })) check(plan, given);
      }),
      { seed: fcSeed, numRuns: runs(3) },
    );
  });

  test('can all be scheduled and run to their end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), options, async (seed, given) => {
        const sim = createSim({ seed });
        const nodes = [...given.nodes, ...(given.services ?? [])].map((name) => sim.node(name, () => undefined));
        sim.schedule(drawFaults(seededRandom(seed), given));
        sim.eventually('all are well', () => nodes.every(({ up, paused }) => up && !paused), 1);
        await sim.run({ untilMs: given.horizonMs + 1 });
      }),
      { seed: fcSeed, numRuns: runs(2) },
    );
  });

  test('are of all types, and of no other than asked for', () => {
    const drawn = (asked?: Fault['type'][]): Set<string> =>
      new Set(
        drawFaults(seededRandom(1).stream('x'), {
          nodes: ['a', 'b'],
          horizonMs: 1_000,
          maxFaults: 500,
          types: asked,
        }).map(({ type }) => type),
      );
    expect(drawn()).toEqual(new Set(types));
    expect(drawn(['pause', 'skew'])).toEqual(new Set(['pause', 'skew']));
  });

  test('shrink to nothing, and each to its least', () => {
    const arbitrary: fc.Arbitrary<Fault[]> = faults(fc, { nodes: ['a', 'b'], horizonMs: 1_000 });
    const { counterexample } = fc.check(
      fc.property(arbitrary, (plan) => plan.every(({ type }) => type !== 'crash')),
      { seed: fcSeed, numRuns: 1_000 },
    );
    expect(counterexample).toEqual([[{ type: 'crash', atMs: 0, forMs: 1, node: 'a' }]]);
  });

  test('of options that make no sense are refused', () => {
    const bad: FaultPlanOptions[] = [
      { nodes: [], horizonMs: 1 },
      { nodes: ['a'], horizonMs: 0 },
      { nodes: ['a'], horizonMs: 1, types: [] },
      { nodes: ['a'], horizonMs: 1, types: ['partition'] },
      { nodes: ['a'], horizonMs: 1, types: ['flood' as never] },
      { nodes: Array.from({ length: 31 }, (_, i) => String(i)), horizonMs: 1 },
      { nodes: 'a' as never, horizonMs: 1 },
      {} as never,
    ];
    for (const given of bad) {
      expect(() => drawFaults(seededRandom(1), given)).toThrow(refused);
      expect(() => faults(fc, given)).toThrow(refused);
    }
  });
});
