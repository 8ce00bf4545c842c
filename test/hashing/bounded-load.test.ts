import { isInvalidOption, type Live } from 'holdfast/core';
import { boundedLoad, isNoNodes, Maglev, type Placement, type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { thrownBy } from './support.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

const warnings = recordWarnings();

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${String(i)}`);

/** A live value that is set by hand. */
function liveOf<T>(current: T): Live<T> & { current: T } {
  return {
    current,
    version: 1,
    ready: Promise.resolve(current),
    changes: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
    close: () => undefined,
  };
}

describe('boundedLoad', () => {
  it('grows under load from 3 nodes to 7 and back, where buraksezer/consistent#13 and goakt#1009 ran out of room', () => {
    const bounded = boundedLoad(new Rendezvous(named(3)), { loadFactor: 1.25 });
    const leases = Array.from({ length: 100 }, (_, i) => bounded.acquire(`k${String(i)}`));
    for (const size of [4, 5, 6, 7, 6, 5, 4, 3, 1]) {
      bounded.update(new Rendezvous(named(size)));
      for (let i = 0; i < 20; i++) leases.push(bounded.acquire(`k${String(i)}`));
    }
    for (const lease of leases) lease.release();
    expect(bounded.stats()).toEqual({ nodes: [{ id: 'n0', inFlight: 0, capacity: 2 }], leaving: 0 });
  });

  it('has room for the first request on any number of nodes: lafikl/consistent divided whole numbers', () => {
    const bounded = boundedLoad(new Rendezvous(named(50)), { loadFactor: 1.0001 });
    expect(bounded.stats().nodes.every(({ capacity }) => capacity === 1)).toBe(true);
    expect(bounded.acquire('k').rank).toBe(0);
  });

  it('does not admit one above the ceiling, as `active > slots` does in Envoy', () => {
    const bounded = boundedLoad(new Rendezvous(named(2)), { loadFactor: 1.25 });
    // The bounds of the six requests are 1.25 * 1 / 2, … rounded up: 1, 2, 2, 3, 4, 4.
    expect(Array.from({ length: 6 }, () => bounded.acquire('hot').rank)).toEqual([0, 0, 1, 0, 0, 1]);
  });

  it('forgets what is in flight on a leaver when it computes bounds: lafikl/consistent kept the total', () => {
    const bounded = boundedLoad(new Rendezvous(['a', 'b']));
    for (let i = 0; i < 40; i++) bounded.acquire(`k${String(i)}`);
    bounded.update(new Rendezvous(['c', 'd']));
    expect(bounded.stats().leaving).toBe(40);
    expect(bounded.stats().nodes.map(({ capacity }) => capacity)).toEqual([1, 1]);
  });

  it('forgets what is in flight on a drained node when it computes bounds', () => {
    const bounded = boundedLoad(new Rendezvous(['a', 'b']));
    const leases = Array.from({ length: 40 }, (_, i) => bounded.acquire(`k${String(i)}`));
    bounded.update(new Rendezvous([{ id: 'a', weight: 0 }, 'b']));
    const [drained, other] = bounded.stats().nodes;
    expect(drained).toEqual({ id: 'a', inFlight: drained!.inFlight, capacity: 0 });
    expect(other!.capacity).toBe(Math.ceil(1.25 * (other!.inFlight + 1)));
    for (const lease of leases) lease.release();
    expect(bounded.stats().nodes.map(({ capacity }) => capacity)).toEqual([0, 2]);
  });

  it('has the bound that people compute: 1.1 times 10 is 11', () => {
    const bounded = boundedLoad(new Rendezvous(named(10)), { loadFactor: 1.1 });
    for (let i = 0; i < 99; i++) bounded.acquire(`k${String(i)}`);
    expect(bounded.stats().nodes[0]?.capacity).toBe(11);
  });

  it('never counts below zero: lafikl/consistent did when Done came twice', () => {
    const bounded = boundedLoad(new Rendezvous(['a']));
    const lease = bounded.acquire('k');
    {
      using same = lease;
      same.release();
    }
    lease.release();
    expect(bounded.stats().nodes).toEqual([{ id: 'a', inFlight: 0, capacity: 2 }]);
  });

  it('asks for the order of a key only when its owner is full', () => {
    const sound = new Rendezvous(named(3));
    let ranked = 0;
    const placement: Placement<PlacementNode> = {
      ...{ size: 3, nodes: sound.nodes, fingerprint: sound.fingerprint },
      ...{ get: sound.get.bind(sound), getN: sound.getN.bind(sound), ownership: () => sound.ownership() },
      ...{ with: () => placement, without: () => placement, withWeight: () => placement, toJSON: () => sound.toJSON() },
      rank: (key) => {
        ranked++;
        // One that it does not list, first of all: nobody knows what it may take.
        return [{ id: 'unlisted' }, ...sound.rank(key)];
      },
    };
    const bounded = boundedLoad(placement);
    expect([bounded.acquire('k').rank, ranked]).toEqual([0, 0]);
    expect(bounded.acquire('k').node).toBe(sound.getN('k', 2)[1]);
    expect(ranked).toBe(1);
  });

  it('forgets nodes that have left and are not busy', () => {
    const bounded = boundedLoad(new Rendezvous(['a']));
    const heapAfter = (updates: number): number => {
      for (let i = 0; i < updates; i++)
        bounded.update(new Rendezvous(named(1_000).map((id) => `${id} of ${String(i)} and ${String(updates)}`)));
      gc!();
      return process.memoryUsage().heapUsed;
    };
    const before = heapAfter(5);
    // Of 50,000 that were kept, more than 5 MB.
    expect(heapAfter(50) - before).toBeLessThan(2_000_000);
  });

  it('remembers a busy node that leaves and returns', () => {
    const bounded = boundedLoad(new Rendezvous(['a']));
    const lease = bounded.acquire('k');
    bounded.update(new Rendezvous(['b']));
    bounded.update(new Rendezvous(['a']));
    expect(bounded.stats().nodes[0]?.inFlight).toBe(1);
    lease.release();
    expect(bounded.stats().nodes[0]?.inFlight).toBe(0);
  });

  it('spreads what overflows a node over all others, instead of on its neighbour', () => {
    const bounded = boundedLoad(new Rendezvous(named(10)), { loadFactor: 1.25 });
    const owned = Array.from({ length: 2_000 }, (_, i) => `k${String(i)}`).filter(
      (key) => new Rendezvous(named(10)).get(key)?.id === 'n0',
    );
    const takers = new Set(owned.map((key) => bounded.acquire(key).node.id));
    expect(takers.size).toBe(10);
  });

  it('has no place without nodes or without weight, and says so', () => {
    for (const nodes of [[], [{ id: 'a', weight: 0 }]]) {
      const bounded = boundedLoad(new Rendezvous(nodes));
      expect(isNoNodes(thrownBy(() => bounded.acquire('k')))).toBe(true);
      expect(() => bounded.acquire('k')).toThrow('the placement has no node with weight');
    }
  });

  it('gives nothing to a drained node, and nothing beyond its share to a light one', () => {
    const bounded = boundedLoad(new Rendezvous([{ id: 'a', weight: 0 }, { id: 'b', weight: 5e-324 }, 'c']));
    for (let i = 0; i < 100; i++) bounded.acquire(`k${String(i)}`);
    expect(bounded.stats().nodes.map(({ inFlight }) => inFlight)).toEqual([0, 0, 100]);
  });

  it('has room for one request on a node whose share is too little for a double', () => {
    const placement = new Maglev([{ id: 'a', weight: 5e-324 }, 'b', 'c'], { tableSize: 307 });
    const own = named(10_000).find((key) => placement.get(key)?.id === 'a')!;
    const bounded = boundedLoad(placement);
    expect(bounded.stats().nodes.map(({ capacity }) => capacity)).toEqual([1, 1, 1]);
    expect(bounded.acquire(own).node.id).toBe('a');
    expect(bounded.acquire(own).node.id).not.toBe('a');
  });

  it('places a key of a megabyte as its bytes', () => {
    const long = 'k'.repeat(1_000_000);
    const [one, other] = [boundedLoad(new Rendezvous(named(9))), boundedLoad(new Rendezvous(named(9)))];
    for (let i = 0; i < 5; i++)
      expect(one.acquire(long).node).toEqual(other.acquire(new TextEncoder().encode(long)).node);
  });

  it('follows a live placement, and stays with the last good one', async () => {
    const live = liveOf<Placement<PlacementNode>>(new Rendezvous(['a']));
    const bounded = boundedLoad(live);
    bounded.acquire('k');
    live.current = new Rendezvous(['b']);
    expect(bounded.acquire('k').node.id).toBe('b');
    live.current = 7 as never;
    expect(bounded.acquire('k').node.id).toBe('b');
    expect(bounded.acquire('k').node.id).toBe('b');
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: a live placement was refused, the last one stays: placement must be a Placement or a Live of one, got 7',
    ]);
    live.current = new Rendezvous(['a']);
    expect(bounded.acquire('k').node.id).toBe('a');
    expect(bounded.stats().leaving).toBe(3);
  });

  it.each([1, 0.5, 0, -1, Number.NaN, Infinity, '2', null])('refuses the load factor %s', (loadFactor) => {
    const make = (): unknown => boundedLoad(new Rendezvous(['a']), { loadFactor: loadFactor as never });
    expect(make).toThrow(/^loadFactor must be a finite number > 1, got /);
    expect(isInvalidOption(thrownBy(make))).toBe(true);
  });

  it('keeps the placement when another is refused that has the methods and not the nodes', () => {
    const bounded = boundedLoad(new Rendezvous(['a']));
    const hollow = { get: () => undefined, getN: () => [], rank: () => [] };
    expect(() => {
      bounded.update(hollow as never);
    }).toThrow(/^placement must be a Placement or a Live of one/);
    expect(bounded.acquire('k').node.id).toBe('a');
  });

  it('refuses what is no placement, an unknown option and a key of another type', () => {
    expect(() => boundedLoad(['a'] as never)).toThrow(/^placement must be a Placement or a Live of one, got /);
    expect(() => boundedLoad(new Rendezvous(['a']), { factor: 2 } as never)).toThrow('boundedLoad has no option');
    const bounded = boundedLoad(new Rendezvous(['a']));
    const update = (): void => bounded.update(undefined as never);
    expect(isInvalidOption(thrownBy(update))).toBe(true);
    expect(() => bounded.acquire(7 as never)).toThrow(TypeError);
    expect(bounded.acquire('k').node.id).toBe('a');
  });
});
