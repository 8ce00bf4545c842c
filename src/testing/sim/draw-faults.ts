import { check, func } from '../../core/options.ts';
import type { Random } from '../../core/random.ts';
import type { ArbitraryLike } from '../placement-cases.ts';
import type { Fault } from './fault.ts';
import { boundsOf, type FaultNumbers, faultOf, type FaultPlanOptions, readPlan } from './fault-plan.ts';

/** What {@link faults} uses of fast-check: hand over `fc` itself. */
export interface FaultTools {
  /** Whole numbers. */
  integer(range: { readonly min: number; readonly max: number }): ArbitraryLike<number>;
  /** Objects with a value of an arbitrary in each field. */
  record(model: Readonly<Record<string, ArbitraryLike<number>>>): ArbitraryLike<unknown>;
  /** Arrays of values of an arbitrary. */
  array(arbitrary: ArbitraryLike<Fault>, constraints: { readonly maxLength: number }): unknown;
}

/**
 * A plan of faults by chance, for `sim.schedule`. All are over at `horizonMs`.
 *
 * @param random - a stream, for example `sim.random('faults')`
 * @param options - whom they may strike, and how hard
 * @returns up to `maxFaults` faults, each number of them as likely
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { drawFaults, seededRandom } from 'holdfast/testing';
 *
 * const plan = drawFaults(seededRandom(3), { nodes: ['a', 'b'], horizonMs: 60_000, types: ['pause'] });
 * plan.every(({ type, atMs }) => type === 'pause' && atMs < 60_000) // => true
 * ```
 */
export function drawFaults(random: Random, options: FaultPlanOptions): Fault[] {
  const plan = readPlan(options);
  const bounds = Object.entries(boundsOf(plan));
  const draw = ({ min, max }: { readonly min: number; readonly max: number }): number =>
    min + Math.floor(check('random', random, func<Random>())() * (max - min + 1));
  return Array.from({ length: draw({ min: 0, max: plan.maxFaults }) }, () => {
    const numbers = Object.fromEntries(bounds.map(([name, range]) => [name, draw(range)]));
    return faultOf(plan, numbers as unknown as FaultNumbers);
  });
}

/**
 * Plans of faults as an arbitrary of fast-check, which shrinks a plan that fails to the few faults that it takes. Imports
 * nothing: you hand over `fc`.
 *
 * @param fc - fast-check, 3 or newer
 * @param options - whom they may strike, and how hard
 * @returns an `fc.Arbitrary<Fault[]>`; name the type where you use it, for it is not ours
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import fc from 'fast-check';
 * import { createSim, type Fault, faults } from 'holdfast/testing';
 *
 * const nodes = ['a', 'b', 'c'];
 * const plans: fc.Arbitrary<Fault[]> = faults(fc, { nodes, horizonMs: 60_000 });
 * await fc.assert(
 *   fc.asyncProperty(fc.noShrink(fc.nat()), plans, async (seed, plan) => {
 *     const sim = createSim({ seed });
 *     for (const name of nodes) sim.node(name, () => undefined); // your service
 *     sim.schedule(plan);
 *     await sim.run({ untilMs: 90_000 });
 *   }),
 * );
 * ```
 */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the arbitrary's type is the user's
export function faults<A = ArbitraryLike<Fault[]>>(fc: FaultTools, options: FaultPlanOptions): A {
  const plan = readPlan(options);
  const numbers = Object.fromEntries(Object.entries(boundsOf(plan)).map(([name, range]) => [name, fc.integer(range)]));
  const fault = fc.record(numbers).map((drawn) => faultOf(plan, drawn as FaultNumbers));
  return fc.array(fault, { maxLength: plan.maxFaults }) as A;
}
