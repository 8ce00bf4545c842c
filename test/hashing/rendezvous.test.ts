import { isInvalidOption } from 'holdfast/core';
import { HashRing, isPlacement, type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { draws } from '../support/properties.ts';

/** Counts owners of `count` keys. */
function shares(placement: Rendezvous, count: number, prefix = 'key'): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const { id } = placement.get(`${prefix}:${String(i)}`)!;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

/** Within 5 standard deviations of the binomial: a sound build fails once in 1.7 million shares. */
function expectShares(placement: Rendezvous, many: number): void {
  const count = draws(many);
  const counts = shares(placement, count);
  for (const [id, share] of placement.ownership()) {
    const sigma = Math.sqrt(share * (1 - share) * count);
    expect(Math.abs((counts.get(id) ?? 0) - share * count), `share of ${id}`).toBeLessThanOrEqual(5 * sigma);
  }
}

const named = (count: number): string[] => Array.from({ length: count }, (_, i) => `node-${String(i)}`);

describe('Rendezvous shares', () => {
  // N = 1,000,000 keys in all, no seed to draw: keys and nodes are sequential names, the worst that people use.
  it.each([2, 3, 5, 10, 100])('are equal over %i equal nodes', (count) => {
    expectShares(new Rendezvous(named(count)), 200_000);
  });

  it('follow the weights', () => {
    const nodes = [1, 2, 3, 0.5, 0, 10, 1, 1].map((weight, i) => ({ id: `n${String(i)}`, weight }));
    expectShares(new Rendezvous(nodes), 400_000);
  });

  it('of light nodes beside heavy ones are not lost', () => {
    // hashring gives both light nodes nothing at all.
    const placement = new Rendezvous([{ id: 'a' }, { id: 'b' }, { id: 'c', weight: 200 }]);
    expectShares(placement, 400_000);
    expect(shares(placement, 20_000).get('a')).toBeGreaterThan(0);
  });

  it('of a leaver go to all others', () => {
    const before = new Rendezvous(named(5));
    const after = before.without('node-0');
    const takers = new Map<string, number>();
    let moved = 0;
    for (let i = 0; i < draws(50_000); i++) {
      if (before.get(`k${String(i)}`)?.id !== 'node-0') continue;
      const taker = after.get(`k${String(i)}`)!.id;
      takers.set(taker, (takers.get(taker) ?? 0) + 1);
      moved++;
    }
    for (const id of named(5).slice(1)) {
      expect(Math.abs(takers.get(id)! - moved / 4)).toBeLessThanOrEqual(5 * Math.sqrt((moved * 3) / 16));
    }
  });

  it('are not dyadic, as those of a linear hash are', () => {
    // Scores that are a CRC of key and node differ by a constant: three nodes then own 1/4, 1/4 and 1/2.
    expectShares(new Rendezvous(['10.0.0.1:6379', '10.0.0.2:6379', '10.0.0.3:6379']), 200_000);
  });

  it('have no blind spot for a key that reads like a node', () => {
    // N = 200 names as keys over the same 200 nodes, seeds 0 to 19: each owns its own name once in 200, 20 in all.
    let own = 0;
    for (let seed = 0n; seed < 20n; seed++) {
      const placement = new Rendezvous(named(200), { seed });
      own += named(200).filter((id) => placement.get(id)?.id === id).length;
    }
    // Poisson(20): outside of 2 to 45 once in a million.
    expect(own).toBeGreaterThanOrEqual(2);
    expect(own).toBeLessThanOrEqual(45);
  });

  it('change with the seed', () => {
    const [one, other] = [new Rendezvous(named(4)), new Rendezvous(named(4), { seed: 1n })];
    let same = 0;
    for (let i = 0; i < 40_000; i++) if (one.get(`k${String(i)}`)?.id === other.get(`k${String(i)}`)?.id) same++;
    expect(Math.abs(same - 10_000)).toBeLessThanOrEqual(5 * Math.sqrt(40_000 * 0.25 * 0.75));
  });
});

describe('Rendezvous', () => {
  it('gives the node that it was given, with what the user put on it', () => {
    const node = { id: 'a', url: 'http://a' };
    expect(new Rendezvous([node]).get('k')).toBe(node);
  });

  it('keeps prototype and fields of a node when its weight changes', () => {
    class Server {
      readonly id = 'a';
      get url(): string {
        return `http://${this.id}`;
      }
    }
    const given = new Server();
    const changed = new Rendezvous<PlacementNode & Server>([given]).withWeight('a', 3);
    expect(changed.get('k')?.url).toBe('http://a');
    expect(changed.get('k')?.weight).toBe(3);
    expect(given).not.toHaveProperty('weight');
    // A property like any other of the node, also where the class has a getter of that name.
    expect(Object.getOwnPropertyDescriptor(changed.get('k'), 'weight')).toEqual({
      ...{ value: 3, writable: true, enumerable: true, configurable: true },
    });
  });

  it('is not changed by what is derived from it', () => {
    const placement = new Rendezvous(named(3));
    const { fingerprint } = placement;
    placement.with('x').without('node-0').withWeight('x', 2);
    expect(placement.fingerprint).toBe(fingerprint);
    expect([...placement.nodes.keys()]).toEqual(named(3));
  });

  it('has the fingerprint that it always had, for processes of two versions compare theirs', () => {
    expect(new Rendezvous(['cache-a', 'cache-b', 'cache-c']).fingerprint).toBe('2963d8ec1ce28d66');
  });

  it('has a fingerprint of 16 digits, whatever it begins with', () => {
    for (let i = 0; i < 100; i++) expect(new Rendezvous([String(i)]).fingerprint).toMatch(/^[0-9a-f]{16}$/);
  });

  it('says of a node as JSON what was said of it, and nothing that was not', () => {
    const nodes = [{ id: 'a' }, { id: 'b', weight: 1, zone: '' }, { id: 'c', weight: 0, url: 'http://c' }];
    expect(new Rendezvous<PlacementNode>(nodes).toJSON()).toStrictEqual({
      ...{ algorithm: 'rendezvous', version: 1, hasher: 'xxh64', seed: '0', options: {} },
      nodes: [{ id: 'a' }, { id: 'b', weight: 1, zone: '' }, { id: 'c', weight: 0 }],
    });
  });

  it('has another fingerprint when a zone differs, for then a spread list may differ', () => {
    const prints = [undefined, 'a', 'b', ''].map(
      (zone) =>
        new Rendezvous([
          { id: 'n', ...(zone !== undefined && { zone }) },
          { id: 'm', zone: 'a' },
        ]).fingerprint,
    );
    expect(new Set(prints).size).toBe(4);
  });

  it('lists nodes without a zone as one zone', () => {
    const placement = new Rendezvous([{ id: 'a' }, { id: 'b' }, { id: 'c', zone: 'z' }]);
    const two = placement.getN('k', 2, { spread: 'zone' });
    expect(two.map(({ zone }) => zone ?? 'none').sort()).toEqual(['none', 'z']);
  });

  it.each([
    ['nodes', 7, 'nodes must be an array or another iterable of nodes or ids, got 7'],
    ['nodes', null, 'nodes must be an array or another iterable of nodes or ids, got null'],
    ['nodes', 'ab', 'nodes must be an array or another iterable of nodes or ids, got "ab"'],
    ['a node', [null], 'a node must be a string or an object with an id, got null'],
    ['a node', [7], 'a node must be a string or an object with an id, got 7'],
    ['an id', [{ id: 7 }], 'a node must have a string id, got 7'],
    ['an id', ['\ud800'], 'a node must have an id without lone surrogates, got "\\ud800"'],
    [
      'a weight',
      [{ id: 'a', weight: Number.NaN }],
      'a node must have a weight that is a finite number from 0 to 1000000, got NaN',
    ],
    [
      'a weight',
      [{ id: 'a', weight: -1 }],
      'a node must have a weight that is a finite number from 0 to 1000000, got -1',
    ],
    [
      'a weight',
      [{ id: 'a', weight: Infinity }],
      'a node must have a weight that is a finite number from 0 to 1000000, got Infinity',
    ],
    [
      'a weight',
      [{ id: 'a', weight: 1e7 }],
      'a node must have a weight that is a finite number from 0 to 1000000, got 10000000',
    ],
    ['a zone', [{ id: 'a', zone: 1 }], 'a node must have a string zone or none, got 1'],
    ['two nodes', ['a', { id: 'a' }], 'nodes must have distinct ids, got "a" twice'],
  ])('refuses %s that is %j', (_, nodes, message) => {
    const make = (): unknown => new Rendezvous(nodes as never);
    expect(make).toThrow(message);
    try {
      make();
    } catch (error) {
      expect(isInvalidOption(error)).toBe(true);
    }
  });

  it.each([
    [{ seed: 1 }, 'seed must be a bigint from 0n to 2n ** 64n - 1n, got 1'],
    [{ seed: 2n ** 64n }, 'seed must be a bigint from 0n to 2n ** 64n - 1n, got 18446744073709551616n'],
    [{ seed: -1n }, 'seed must be a bigint from 0n to 2n ** 64n - 1n, got -1n'],
    [{ hasher: {} }, 'hasher must be a Hasher, got an object'],
    [{ sed: 1n }, 'Rendezvous has no option "sed"; it has seed, hasher'],
  ])('refuses the options %s', (options, message) => {
    expect(() => new Rendezvous(['a'], options as never)).toThrow(message);
  });

  it('refuses a bad count, an unknown spread, a key of another type and an unknown id', () => {
    const placement = new Rendezvous(['a']);
    for (const count of [-1, 1.5, Number.NaN, '2']) {
      expect(() => placement.getN('k', count as never)).toThrow(/^count must be an integer >= 0, got /);
    }
    expect(() => placement.getN('k', 1, { spread: 'rack' } as never)).toThrow('spread must be "zone", got "rack"');
    expect(() => placement.getN('k', 1, { exclude: 'a' } as never)).toThrow('exclude must be a function, got "a"');
    expect(() => placement.getN('k', 1, { zone: 'a' } as never)).toThrow(
      'getN has no option "zone"; it has exclude, spread',
    );
    expect(() => placement.get(7 as never)).toThrow(TypeError);
    expect(() => placement.withWeight('b', 1)).toThrow('id must be one of the nodes\' ids, got "b"');
    expect(() => placement.withWeight('a', -1)).toThrow('weight must be a finite number from 0 to 1000000, got -1');
  });
});

describe('isPlacement', () => {
  const sound = new Rendezvous(['a']);

  it('knows a placement of anybody by what it has', () => {
    const { nodes, fingerprint } = sound;
    const made = { get: () => undefined, getN: () => [], rank: () => [], nodes, fingerprint };
    for (const placement of [sound, new HashRing([]), made]) expect(isPlacement(placement)).toBe(true);
    for (const name of Object.keys(made)) expect(isPlacement({ ...made, [name]: undefined }), name).toBe(false);
    expect(isPlacement({ ...made, nodes: {} })).toBe(false);
    for (const value of [undefined, null, 'a', ['a'], new Map([['a', { id: 'a' }]])])
      expect(isPlacement(value)).toBe(false);
  });
});
