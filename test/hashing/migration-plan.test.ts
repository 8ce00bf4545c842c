import { isInvalidOption, isUnsupported } from 'holdfast/core';
import {
  HashRing,
  Maglev,
  type Placement,
  planMigration,
  type PlacementNode,
  redisSlot,
  Rendezvous,
  sipHash13,
  SlotTable,
} from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { draws } from '../support/properties.ts';
import { aimed, circumference, ringOf } from './migration-cases.ts';

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${String(i)}`);
type Loose = (before: unknown, after: unknown) => unknown;
const refusal = (before: unknown, after: unknown): unknown => {
  try {
    return (planMigration as Loose)(before, after);
  } catch (error) {
    return error;
  }
};

describe('planMigration between rings', () => {
  it('moves about 1/11 when one node joins ten, every range to it', () => {
    const before = new HashRing(named(10), { vnodes: 1000 });
    const plan = planMigration(before, before.with('node-10'));
    expect(plan.unit).toBe('position');
    expect(plan.size).toBe(circumference);
    expect(plan.lowerBound).toBeCloseTo(1 / 11, 12);
    // A share varies by 1/√1000 of itself: 5σ.
    expect(Math.abs(plan.fraction - 1 / 11)).toBeLessThan((5 / 11) * Math.sqrt(1 / 1000));
    expect([...plan.byTarget.keys()]).toEqual(['node-10']);
    expect([...plan.bySource.keys()].sort()).toEqual(named(10).sort());
    // Points of the newcomer that follow each other in one arc of another are one range.
    expect(plan.moves.length).toBeLessThan(1000);
    expect(plan.moves.length).toBeGreaterThan(850);
  });

  it('says of the keys what sampling says', () => {
    const before = new HashRing(named(8));
    const after = before.without('node-3').withWeight('node-5', 2).with({ id: 'extra', weight: 0.5 });
    const plan = planMigration(before, after);
    const count = draws(100_000);
    let moved = 0;
    for (let i = 0; i < count; i++) if (before.get(`k${String(i)}`)!.id !== after.get(`k${String(i)}`)!.id) moved++;
    const sigma = Math.sqrt(plan.fraction * (1 - plan.fraction) * count);
    expect(Math.abs(moved - plan.fraction * count)).toBeLessThanOrEqual(5 * sigma);
  });

  it('ends a range at its point, and goes over the end of the ring in two', () => {
    // Two nodes of one point each; of the two directions one moves the arc that goes over the end of the ring.
    const both = ringOf(2)
      .withWeight('a', 1 / 256)
      .withWeight('b', 1 / 256);
    const toA = planMigration(both.without('a'), both).moves;
    const toB = planMigration(both.without('b'), both).moves;
    const [over, within] = toA.length === 2 ? [toA, toB] : [toB, toA];
    expect(within).toHaveLength(1);
    const { from, to } = within[0]!;
    expect(over.map((move) => [move.from, move.to])).toEqual([
      [0, from],
      [to, circumference],
    ]);
    // The point itself is the last position that leads to it.
    const owners = [from - 1, from, to - 1, to].map((position) => both.get(aimed(position))!.id);
    const [first, second] = [over[0]!.target!.id, within[0]!.target!.id];
    expect(owners).toEqual([first, second, second, first]);
  });

  it('takes rings of different vnodes, and ketama rings', () => {
    const ring = new HashRing(named(4), { vnodes: 8 });
    const finer = new HashRing(named(4), { vnodes: 512 });
    const plan = planMigration(ring, finer);
    expect(plan.lowerBound).toBe(0);
    expect(plan.fraction).toBeGreaterThan(0.1);
    const ketama = new HashRing(named(4), { compat: 'ketama' });
    const grown = ketama.with('node-4');
    const moves = planMigration(ketama, grown);
    for (let i = 0; i < 2000; i++) {
      const key = `k${String(i)}`;
      expect((moves.moveOf(key)?.target ?? ketama.get(key)!).id).toBe(grown.get(key)!.id);
    }
  });

  it('knows nobody as owner: nodes come to an empty ring, and the last one leaves', () => {
    const [none, one] = [new HashRing([]), new HashRing(['a'])];
    const coming = planMigration<PlacementNode>(none, one);
    expect(coming.moves).toEqual([{ from: 0, to: circumference, source: undefined, target: { id: 'a' }, fraction: 1 }]);
    expect(coming.lowerBound).toBe(1);
    expect(coming.bySource.size).toBe(0);
    expect(coming.byTarget).toEqual(new Map([['a', 1]]));
    const draining = planMigration(one, one.withWeight('a', 0));
    expect(draining.moves).toEqual([
      { from: 0, to: circumference, source: { id: 'a', weight: 0 }, target: undefined, fraction: 1 },
    ]);
    expect(draining.lowerBound).toBe(1);
  });

  it('is quick for many points', () => {
    const before = new HashRing(named(300));
    const plan = planMigration(before, before.without('node-7'));
    expect(plan.batches({ perNode: 1 }).length).toBe(plan.moves.length);
    expect(plan.batches({ perNode: 1_000_000 })).toEqual([plan.moves]);
  });
});

describe('planMigration between slot tables', () => {
  it('lists the slots', () => {
    const before = new SlotTable(['a', 'b'], { slots: 16 });
    const after = before.with('c');
    const plan = planMigration(before, after);
    const expected = Array.from({ length: 16 }, (_, slot) => slot).filter((slot) => after.ownerOf(slot)!.id === 'c');
    expect(plan.unit).toBe('slot');
    expect(plan.size).toBe(16);
    expect(plan.moves.map(({ from }) => from)).toEqual(expected);
    expect(plan.fraction).toBe(expected.length / 16);
    expect(plan.lowerBound).toBeCloseTo(1 / 3, 12);
    expect(plan.moves.every(({ from, source }) => source === before.ownerOf(from))).toBe(true);
  });

  it('moves the slots of a Redis Cluster, whatever places them', () => {
    const before = new SlotTable(named(3), { compat: 'redis' });
    const after = new SlotTable(named(3), { compat: 'redis', seed: 7n, hasher: sipHash13(new Uint8Array(16)) });
    const plan = planMigration<PlacementNode>(before, after);
    expect(plan.placeOf('{user1}.following')).toBe(redisSlot('{user1}.following'));
    expect(plan.moveOf('somekey')).toBe(plan.moveAt(11_058));
    expect(plan.lowerBound).toBe(0);
    expect(plan.fraction).toBeGreaterThan(0.5);
  });

  it('lets two moves of different nodes share a batch', () => {
    const before = new SlotTable(['a', 'b', 'c', 'd'], { slots: 256 });
    const plan = planMigration(before, before.without('a'));
    // Everything leaves a: its moves alone decide.
    expect(plan.batches({ perNode: 4 })).toHaveLength(Math.ceil(plan.moves.length / 4));
    const swapped = planMigration(before, new SlotTable(['e', 'f', 'g', 'h'], { slots: 256 }));
    expect(swapped.moves).toHaveLength(256);
    // Four pairs at once at best; first fit comes near.
    expect(swapped.batches({ perNode: 1 }).length).toBeLessThan(110);
  });
});

describe('planMigration refuses', () => {
  const ring = new HashRing(['a', 'b']);
  const table = new SlotTable(['a', 'b']);
  const unsupported: readonly (readonly [string, Placement<PlacementNode>, Placement<PlacementNode>, RegExp])[] = [
    ['Rendezvous', new Rendezvous(['a']), new Rendezvous(['b']), /^before must be a HashRing/],
    ['Maglev', new Maglev(['a'], { tableSize: 101 }), ring, /^before must be a HashRing/],
    ['a mixed pair', ring, new Rendezvous(['b']), /^after must be a HashRing/],
    ['ring and slots', ring, table, /^before and after must both be a HashRing or both/],
    [
      'Envoy rings',
      ring,
      new HashRing(['a'], { compat: 'envoy' }),
      /^after must be a HashRing \(not with compat "envoy"/,
    ],
    ['another seed', ring, new HashRing(['a', 'b'], { seed: 12_345n }), /same seed, hasher and compat/],
    ['another hasher', ring, new HashRing(['a'], { hasher: sipHash13(new Uint8Array(16)) }), /same seed, hasher/],
    ['ring and ketama', ring, new HashRing(['a'], { compat: 'ketama' }), /same seed, hasher and compat/],
    ['another number of slots', table, new SlotTable(['a'], { slots: 16 }), /same number of slots, got 4096 and 16/],
    [
      'Redis slots and our own',
      new SlotTable(['a'], { slots: 16_384 }),
      new SlotTable(['a'], { compat: 'redis' }),
      /same seed, hasher and compat/,
    ],
    ['slots of another seed', table, new SlotTable(['a'], { seed: 1n }), /same seed, hasher and compat/],
  ];
  it.each(unsupported)('%s', (_, before, after, message) => {
    const error = refusal(before, after) as Error;
    expect(isUnsupported(error)).toBe(true);
    expect(error.message).toMatch(message);
    expect(error.message).toContain('before.get(key) and after.get(key) differ');
    // A seed may be a secret.
    expect(error.message).not.toContain('12345');
  });

  it.each([undefined, null, 3, 'ring', {}])('%s for a placement', (value) => {
    expect(isInvalidOption(refusal(value, ring))).toBe(true);
    expect((refusal(value, ring) as Error).message).toMatch(/^before must be a placement, got /);
    expect((refusal(ring, value) as Error).message).toMatch(/^after must be a placement, got /);
  });

  it('batches without a whole number of 1 or more, and unknown options', () => {
    const plan = planMigration(ring, ring.with('c'));
    const batches = plan.batches as (options?: unknown) => unknown;
    for (const perNode of [undefined, 0, -1, 1.5, Number.NaN, Infinity, '2', null])
      expect(() => batches({ perNode })).toThrow(/^perNode must be an integer >= 1, got /);
    expect(() => batches()).toThrow('perNode must be an integer >= 1, got undefined');
    expect(() => batches(3)).toThrow('batches options must be an object, got 3');
    expect(() => batches({ perNode: 1, size: 2 })).toThrow('batches has no option "size"');
  });

  it('places that there are not, and keys that are none', () => {
    const plan = planMigration(table, table.with('c'));
    for (const place of [-1, 4096, 0.5, Number.NaN])
      expect(() => plan.moveAt(place)).toThrow(/^place must be an integer from 0 to 4095, got /);
    const redis = new SlotTable(['a'], { compat: 'redis' });
    const asked = planMigration(redis, redis.with('c'));
    expect(() => asked.moveOf(3 as never)).toThrow(TypeError);
    expect(() => asked.placeOf(undefined as never)).toThrow(TypeError);
  });
});
