import { isInvalidOption } from 'holdfast/core';
import {
  HashRing,
  Maglev,
  placementFromJSON,
  Rendezvous,
  sipHash13,
  SlotTable,
  type PlacementJSON,
} from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { hostileValues } from '../support/hostile.ts';

const ring = new HashRing(['a', { id: 'b', weight: 2, zone: 'z' }], { seed: 2n ** 64n - 1n, vnodes: 9 });
const good = ring.toJSON();
const change = (fields: object): unknown => ({ ...good, ...fields });

function expectRefused(json: unknown, message?: string | RegExp): void {
  const read = (): unknown => placementFromJSON(json);
  if (message !== undefined) expect(read).toThrow(message);
  try {
    read();
    expect.unreachable(`taken: ${String(json).slice(0, 80)}`);
  } catch (error) {
    expect(isInvalidOption(error), String(error)).toBe(true);
  }
}

const word = 'a string of at most 100 characters';
const name = 'a string of at most 1024 characters';

describe('placementFromJSON', () => {
  it('reads what is frozen here: the format is public API', () => {
    expect(JSON.stringify(ring)).toBe(
      '{"algorithm":"ring","version":1,"hasher":"xxh64","seed":"18446744073709551615","options":{"vnodes":9},"nodes":[{"id":"a"},{"id":"b","weight":2,"zone":"z"}]}',
    );
    expect(placementFromJSON(JSON.stringify(ring)).toJSON()).toEqual(good);
    expect(placementFromJSON(good).fingerprint).toBe(ring.fingerprint);
  });

  it.each([
    new Rendezvous(['a'], { seed: 3n }),
    new HashRing(['a'], { compat: 'envoy', minRingSize: 7, maxRingSize: 70 }),
    new HashRing(['a'], { compat: 'ketama' }),
    new Maglev(['a'], { tableSize: 211 }),
    new SlotTable(['a'], { slots: 64 }),
    new SlotTable(['a'], { compat: 'redis', seed: 3n }),
  ])('restores class and options, case %#', (placement) => {
    const back = placementFromJSON(JSON.stringify(placement));
    expect(back).toBeInstanceOf(placement.constructor);
    expect(back.fingerprint).toBe(placement.fingerprint);
    expect(back.with('x').fingerprint).toBe(placement.with('x').fingerprint);
  });

  it('asks for the hasher that the data names', () => {
    const hasher = sipHash13([1, 2, 3, 4]);
    const secret = new Rendezvous(['a', 'b'], { hasher });
    const text = JSON.stringify(secret);
    expect(placementFromJSON(text, { hasher }).fingerprint).toBe(secret.fingerprint);
    expectRefused(text, `hasher must be "xxh64", got ${JSON.stringify(hasher.name)}`);
    expect(() => placementFromJSON(text, { hasher: sipHash13([1, 2, 3, 5]) })).toThrow(/^hasher must be "siphash13:/);
  });

  it('revives nodes, which keep id, weight and zone', () => {
    const revive = ({ id, ...rest }: { id: string }): { id: string; url: string } => ({
      ...rest,
      id,
      url: `http://${id}`,
    });
    expect(placementFromJSON(good, { revive }).get('k')?.url).toMatch(/^http:\/\/[ab]$/);
    expect(() => placementFromJSON(good, { revive: (node) => ({ ...node, weight: 5 }) })).toThrow(/^what revive/);
    expect(() => placementFromJSON(good, { revive: (node) => ({ ...node, zone: 'z' }) })).toThrow(/^what revive/);
    expect(() => placementFromJSON(good, { revive: () => ({ id: 'x' }) })).toThrow(/^what revive/);
    const one = change({ nodes: [{ id: 'a' }] });
    for (const revive of [(): unknown => null, (): unknown => undefined, (): unknown => ({ id: 'x' })])
      expect(() => placementFromJSON(one, { revive: revive as never })).toThrow(
        'what revive returns must be a node with the id, weight and zone of the plain one, got ',
      );
  });

  it.each<[string, unknown, (string | RegExp)?]>([
    ['no JSON', '{"algorithm"', 'json must be the text of a placement'],
    ['a text that is too long', ' '.repeat(2 ** 24 + 1), 'json must be at most 16777216 characters, got 16777217'],
    ['deep nesting', `${'['.repeat(1e5)}${']'.repeat(1e5)}`, 'json must be an object, got an array of 1'],
    ['nothing', '', 'json must be the text of a placement'],
    ['null', 'null', 'json must be an object, got null'],
    ['an array', [], 'json must be an object, got an array of 0'],
    ['an empty object', {}, 'nodes must be an array, got undefined'],
    ['another algorithm', change({ algorithm: 'jump' }), 'algorithm must be "rendezvous", "ring", "maglev" or "slots"'],
    ['a method as algorithm', change({ algorithm: 'constructor' })],
    ['another version', change({ version: 2 }), 'version must be 1, got 2'],
    ['a version that is text', change({ version: '1' }), 'version must be a number, got "1"'],
    ['no version', change({ version: undefined })],
    [
      'a field more',
      change({ extra: 1 }),
      /^json must be an object with no other fields than algorithm, version, .* got "extra"$/,
    ],
    ['a prototype', JSON.stringify(good).replace('{', '{"__proto__":{"polluted":1},'), /got "__proto__"$/],
    [
      'a prototype of a node',
      JSON.stringify(good).replace('{"id":"a"', '{"__proto__":{"weight":9},"id":"a"'),
      /"__proto__"/,
    ],
    [
      'a prototype of the options',
      JSON.stringify(good).replace('{"vnodes"', '{"__proto__":{},"vnodes"'),
      /"__proto__"/,
    ],
    ['a seed that is a number', change({ seed: 1 })],
    ['a seed of another form', change({ seed: '0x10' }), 'seed must be a whole number in decimal, got "0x10"'],
    ['a seed with a space', change({ seed: ' 1' })],
    ['no seed', change({ seed: '' })],
    ['a seed that is too great', change({ seed: '18446744073709551616' }), /^seed must be a bigint from/],
    ['a seed of many digits', change({ seed: '9'.repeat(1e6) })],
    ['an option of another class', change({ options: { tableSize: 101 } }), 'HashRing has no option "tableSize"'],
    ['an unknown option', change({ options: { hasher: 'x' } })],
    [
      'a nested option',
      change({ options: { vnodes: { valueOf: 1 } } }),
      'vnodes must be a number or a string, got an object',
    ],
    ['an option out of range', change({ options: { vnodes: 1e9 } }), /^vnodes must be an integer from 1 to 10000/],
    ['nodes that are no array', change({ nodes: { length: 1 } }), 'nodes must be an array, got an object'],
    ['nodes with holes', change({ nodes: new Array(3) }), 'a node must be an object, got undefined'],
    ['a bare id', change({ nodes: ['a'] }), 'a node must be an object, got "a"'],
    ['a node with more', change({ nodes: [{ id: 'a', toString: 1 }] })],
    ['a weight that is text', change({ nodes: [{ id: 'a', weight: '1' }] }), 'weight must be a number, got "1"'],
    ['a negative weight', change({ nodes: [{ id: 'a', weight: -1 }] })],
    ['a long id', change({ nodes: [{ id: 'x'.repeat(65_537) }] })],
    ['a lone surrogate', change({ nodes: [{ id: '\ud800' }] })],
    ['two nodes of one id', change({ nodes: [{ id: 'a' }, { id: 'a' }] })],
    [
      'too many nodes',
      change({ nodes: new Array(10_001).fill({ id: 'a' }) }),
      'nodes must be at most 10000, got 10001',
    ],
    ['too many points', change({ nodes: [{ id: 'a', weight: 1e6 }] }), /^the points of a ring must be at most/],
    ['an algorithm that is no text', change({ algorithm: 5 }), `algorithm must be ${word}, got 5`],
    ['a hasher that is too long', change({ hasher: 'x'.repeat(101) }), `hasher must be ${word}, got "x`],
    ['a long hasher', change({ hasher: 'x'.repeat(100) }), 'hasher must be "xxh64", got "x'],
    ['a seed that is no text', change({ seed: 1n }), `seed must be ${word}, got 1n`],
    ['a seed that begins with 0', change({ seed: '01' }), 'seed must be a whole number in decimal, got "01"'],
    ['options that are none', change({ options: 5 }), 'options must be an object, got 5'],
    [
      'an option that no class has',
      change({ options: { points: 5 } }),
      'options must be an object with no other fields than vnodes, compat, minRingSize, maxRingSize, tableSize, slots, got "points"',
    ],
    ['a long option', change({ options: { compat: 'x'.repeat(101) } }), `compat must be ${word}, got "x`],
    ['an id that is no text', change({ nodes: [{ id: 5 }] }), `id must be ${name}, got 5`],
    ['an id that is too long', change({ nodes: [{ id: 'x'.repeat(1025) }] }), `id must be ${name}, got "x`],
    ['a zone that is no text', change({ nodes: [{ id: 'a', zone: 5 }] }), `zone must be ${name}, got 5`],
    ['a zone that is too long', change({ nodes: [{ id: 'a', zone: 'x'.repeat(1025) }] }), `zone must be ${name}, got`],
    [
      'a field of a node',
      change({ nodes: [{ id: 'a', url: 'x' }] }),
      'a node must be an object with no other fields than id, weight, zone, got "url"',
    ],
    ['a default left out', change({ options: {} }), 'vnodes must be given, got undefined'],
    [
      'another hasher than an Envoy has',
      { ...new HashRing([], { compat: 'envoy' }).toJSON(), hasher: 'md5' },
      'hasher must be "xxh64", got "md5"',
    ],
    [
      'another hasher than a ketama ring has',
      { ...new HashRing([], { compat: 'ketama' }).toJSON(), hasher: 'xxh64' },
      'hasher must be "md5", got "xxh64"',
    ],
    [
      'what a ring agrees with of a class that does not',
      { ...new SlotTable([]).toJSON(), seed: '3', options: { compat: 'ketama' } },
      'compat must be "redis", got "ketama"',
    ],
    [
      'a hash of its own with a seed',
      { ...new HashRing([], { compat: 'ketama' }).toJSON(), seed: '5' },
      'seed must be "0"',
    ],
  ])('refuses %s', (_, json, message) => {
    expectRefused(json, message);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('refuses hostile values anywhere', () => {
    for (const [, value] of hostileValues) {
      expectRefused(value);
      for (const field of Object.keys(good)) expectRefused(change({ [field]: value }));
      expectRefused(change({ nodes: [value] }));
      expectRefused(change({ nodes: [{ id: value, weight: value }] }));
      expectRefused(change({ options: { vnodes: value } }));
    }
  });

  it('refuses a text that is cut off or changed, or reads it as a placement that is whole', () => {
    const text = JSON.stringify(good);
    for (let i = 0; i < text.length; i++) {
      expectRefused(text.slice(0, i));
      for (const mutated of [text.slice(0, i) + text.slice(i + 1), `${text.slice(0, i)}9${text.slice(i + 1)}`]) {
        try {
          const placement = placementFromJSON(mutated);
          const { nodes, ...rest } = JSON.parse(mutated) as PlacementJSON;
          expect(placement.toJSON()).toMatchObject(rest);
          expect(new Map(placement.toJSON().nodes.map((node) => [node.id, node]))).toEqual(
            new Map(nodes.map((node) => [node.id, node])),
          );
        } catch (error) {
          expect(isInvalidOption(error), mutated).toBe(true);
        }
      }
    }
  });

  it('counts the nodes itself, whatever an array says of its iterator', () => {
    const endless = Object.assign([{ id: 'a' }], {
      *[Symbol.iterator]() {
        for (let i = 0; ; i++) yield { id: String(i) };
      },
    });
    expect(placementFromJSON(change({ nodes: endless }), { maxNodes: 1 }).size).toBe(1);
  });

  it('refuses ids and zones that would cost more than their length', () => {
    const long = 'x'.repeat(1025);
    expectRefused(change({ nodes: [{ id: long }] }));
    expectRefused(change({ nodes: [{ id: 'a', zone: long }] }));
    expect(placementFromJSON(change({ nodes: [{ id: long.slice(1) }] })).size).toBe(1);
  });

  it('says what it has stumbled over', () => {
    const causeOf = (json: unknown): unknown => {
      try {
        return placementFromJSON(json);
      } catch (error) {
        return (error as Error).cause;
      }
    };
    expect(causeOf('{')).toBeInstanceOf(SyntaxError);
    const stone = new Error('a stone');
    const unreadable = {
      get nodes(): never {
        throw stone;
      },
    };
    expectRefused(unreadable, 'json must be plain data, got what cannot be read');
    expect(causeOf(unreadable)).toBe(stone);
    expect(causeOf({})).toBeUndefined();
    // As long as it may be, and no longer: then it is read.
    expectRefused(' '.repeat(2 ** 24), 'json must be the text of a placement');
  });

  it('asks for no hasher where the program has one that the ring agrees with', () => {
    const hasher = sipHash13([1, 2, 3, 4]);
    for (const compat of ['envoy', 'ketama'] as const) {
      const one = new HashRing(['a', 'b'], { compat });
      expect(placementFromJSON(JSON.stringify(one), { hasher }).fingerprint).toBe(one.fingerprint);
    }
  });

  it('takes a weight of 1 for none, and none for 1, in what is revived', () => {
    const { nodes } = placementFromJSON(change({ nodes: [{ id: 'a' }, { id: 'b', weight: 1 }] }), {
      revive: ({ id }) => (id === 'a' ? { id, weight: 1 } : { id }),
    });
    expect([...nodes.values()]).toEqual([{ id: 'a', weight: 1 }, { id: 'b' }]);
  });

  it('refuses options that it does not have', () => {
    const read = (options: object) => (): unknown => placementFromJSON(good, options);
    expect(read({ nodes: 5 })).toThrow('placementFromJSON has no option "nodes"; it has hasher, revive, maxNodes');
    expect(read({ hasher: {} })).toThrow('hasher must be a Hasher, got an object');
    expect(read({ revive: 5 })).toThrow('revive must be a function, got 5');
    for (const maxNodes of [-1, 0.5, 100_001])
      expect(read({ maxNodes })).toThrow(`maxNodes must be an integer from 0 to 100000, got ${String(maxNodes)}`);
    expect(placementFromJSON(change({ nodes: [] }), { maxNodes: 0 }).size).toBe(0);
    expect(placementFromJSON(good, { maxNodes: 100_000 }).size).toBe(2);
  });

  it('accepts as many nodes as it is told to', () => {
    const many = { ...good, nodes: [{ id: 'a' }, { id: 'b' }] satisfies PlacementJSON['nodes'] };
    expect(placementFromJSON(many, { maxNodes: 2 }).size).toBe(2);
    expect(() => placementFromJSON(many, { maxNodes: 1 })).toThrow('nodes must be at most 1, got 2');
    expect(() => placementFromJSON(many, { maxNodes: 1e9 })).toThrow(/^maxNodes must be/);
  });
});
