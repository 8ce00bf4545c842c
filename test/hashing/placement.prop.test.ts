import fc from 'fast-check';
import { HashRing, Maglev, placementFromJSON, Rendezvous, SlotTable } from 'holdfast/hashing';
import { type MakePlacement, placementSuite, type PlacementSuiteOptions } from 'holdfast/testing';
import { describe, it, vi } from 'vitest';
import { runs } from '../support/properties.ts';

/**
 * Each property runs under the real hash and under one of eight digests, where nearly everything ties. Tables and rings are
 * small here, so that thousands of them can be built; a small one has more ties and more edges than a large one.
 */
const placements: readonly (readonly [string, MakePlacement, PlacementSuiteOptions])[] = [
  ['Rendezvous', (nodes, setting) => new Rendezvous(nodes, setting), { shares: 'weights' }],
  ['HashRing', (nodes, setting) => new HashRing(nodes, { ...setting, vnodes: 7 }), { maxWeight: 10 }],
  [
    'HashRing of one point',
    (nodes, setting) => new HashRing(nodes, { ...setting, vnodes: 1 }),
    { maxWeight: 3, shares: 'any' },
  ],
  ['SlotTable', (nodes, setting) => new SlotTable(nodes, { ...setting, slots: 32 }), {}],
  ['Maglev', (nodes, setting) => new Maglev(nodes, { ...setting, tableSize: 2411 }), { movement: 'any' }],
  [
    'HashRing like Envoy',
    (nodes) => new HashRing(nodes, { compat: 'envoy', minRingSize: 12, maxRingSize: 60 }),
    { movement: 'any', seeded: false },
  ],
  ['HashRing like ketama', (nodes) => new HashRing(nodes, { compat: 'ketama' }), { movement: 'any', seeded: false }],
];

vi.setConfig({ testTimeout: 60_000 });

describe.each(placements)('%s', (_, make, options) => {
  placementSuite(
    make,
    { describe, it, fc },
    { numRuns: runs(10), fromJSON: (json, hasher) => placementFromJSON(json, { hasher }), ...options },
  );
});
