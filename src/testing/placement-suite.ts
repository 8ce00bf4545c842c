import { check, func, having, number, oneOf, readOptions } from '../core/options.ts';
import type { Hasher, Placement, PlacementNode } from '../hashing/index.ts';
import { drawsBy, type FastCheckLike } from './placement-cases.ts';
import { examples } from './placement-examples.ts';
import { identityLaws } from './placement-identity.ts';
import type { Promised } from './placement-law.ts';
import { movementLaws } from './placement-movement.ts';
import { rankingLaws } from './placement-ranking.ts';
import { shareLaws } from './placement-shares.ts';

/** What {@link placementSuite} runs in: your test runner's functions, and fast-check. */
export interface SuiteTools {
  /** Groups tests: Vitest's, Jest's, Mocha's or `node:test`'s. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Declares a test. */
  readonly it: (name: string, body: () => void) => unknown;
  /** `fast-check`, 3 or newer. */
  readonly fc: FastCheckLike;
}

/** Options of {@link placementSuite}. */
export interface PlacementSuiteOptions {
  /**
   * Runs of each property.
   *
   * @defaultValue 1000
   */
  readonly numRuns?: number;
  /**
   * `'minimal'`: a change moves keys only to or from the nodes that changed. `'any'` waives that, for tables like Maglev's.
   *
   * @defaultValue 'minimal'
   */
  readonly movement?: 'minimal' | 'any';
  /**
   * `'weights'`: the exact share of a node is its weight over the sum. `'own'`: `ownership` tells, and of eight equal nodes
   * none has three quarters. `'any'` waives that, for tables of very few places.
   *
   * @defaultValue 'own'
   */
  readonly shares?: 'weights' | 'own' | 'any';
  /**
   * `false` for a placement with a hash and a seed of its own, that takes none.
   *
   * @defaultValue true
   */
  readonly seeded?: boolean;
  /**
   * The greatest weight to try, from 1 to 1,000,000. A ring of points takes time and memory by weight.
   *
   * @defaultValue 1000000
   */
  readonly maxWeight?: number;
  /** Makes a placement of what `toJSON` gave. Without it the way back is not tested. */
  readonly fromJSON?: (json: unknown, hasher: Hasher) => Placement<PlacementNode>;
}

/** Makes the placement under test, of nodes and bare ids, under a seed and a hasher. */
export type MakePlacement = (
  nodes: readonly (PlacementNode | string)[],
  setting: { readonly seed: bigint; readonly hasher: Hasher },
) => Placement<PlacementNode>;

/**
 * Declares the tests that every {@link Placement} has to pass, ours and yours, in your own test runner.
 *
 * Each promise of the contract is a property over arbitrary memberships, weights, zones, seeds and keys, hostile ids and
 * keys among them, under XXH64 and under a hash with eight digests, where nearly everything ties. A failure names the
 * promise and what was found; fast-check shrinks it. Imports neither a runner nor fast-check. What a run draws is up to
 * fast-check's seed (`fc.configureGlobal`).
 *
 * @param make - makes the placement under test
 * @param tools - `describe` and `it` of the runner, and `fc`
 * @param options - which promises are waived, and how much to run
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts needs="process"
 * import { describe, it } from 'node:test'; // or of Vitest, Jest, Mocha
 * import fc from 'fast-check';
 * import { Rendezvous } from 'holdfast/hashing';
 * import { placementSuite } from 'holdfast/testing';
 *
 * describe('Rendezvous', () => {
 *   placementSuite((nodes, setting) => new Rendezvous(nodes, setting), { describe, it, fc }, { shares: 'weights' });
 * });
 * ```
 */
export function placementSuite(make: MakePlacement, tools: SuiteTools, options?: PlacementSuiteOptions): void {
  check('make', make, func());
  const { describe, it, fc } = tools;
  check('describe', describe, func());
  check('it', it, func());
  check('fc', fc, having<FastCheckLike>('fast-check', 'assert', 'property', 'record'));
  const given = readOptions('placementSuite', options, {
    numRuns: number({ min: 1, integer: true }),
    movement: oneOf('minimal', 'any'),
    shares: oneOf('weights', 'own', 'any'),
    seeded: { expected: 'a boolean', accepts: (value: unknown) => typeof value === 'boolean' },
    maxWeight: number({ min: 1, max: 1_000_000 }),
    fromJSON: func<NonNullable<PlacementSuiteOptions['fromJSON']>>(),
  });
  const { numRuns = 1000, movement = 'minimal', shares = 'own', seeded = true, maxWeight = 1_000_000 } = given;
  const promised: Promised = {
    make: (nodes, { seed, hasher }) => make(nodes, { seed, hasher }),
    restore: given.fromJSON,
    minimal: movement === 'minimal',
    proportional: shares === 'weights',
    spread: shares !== 'any',
    seeded: seeded as boolean,
  };
  const draws = drawsBy(fc, maxWeight);
  const laws = { ...movementLaws, ...rankingLaws, ...shareLaws, ...identityLaws };
  describe('as a placement', () => {
    for (const [name, law] of Object.entries(laws))
      it(name, () => {
        fc.assert(
          fc.property(draws, (draw) => {
            law(promised, draw);
          }),
          { numRuns },
        );
      });
    for (const [name, example] of Object.entries(examples))
      it(name, () => {
        example(promised);
      });
  });
}
