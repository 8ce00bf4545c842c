/** The suite itself: that it passes what is sound, and finds each of these faults. */
import fc from 'fast-check';
import { type Hasher, type Placement, type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { type MakePlacement, placementSuite, type PlacementSuiteOptions } from 'holdfast/testing';
import { describe, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 });

/** Names of the tests that a placement fails. */
function failures(make: MakePlacement, options: PlacementSuiteOptions = {}): string[] {
  const failed: string[] = [];
  placementSuite(
    make,
    {
      describe: (_, body) => {
        body();
      },
      it: (name, body) => {
        try {
          body();
        } catch {
          failed.push(name);
        }
      },
      fc,
    },
    { numRuns: 100, ...options },
  );
  return failed;
}

interface Setting {
  readonly seed: bigint;
  readonly hasher: Hasher;
}
type Fault = (sound: Rendezvous, given: readonly PlacementNode[]) => Partial<Placement<PlacementNode>>;

/** Rendezvous with some methods replaced, in what is derived from it too. */
function faulty(fault: Fault): MakePlacement {
  const wrap = (sound: Rendezvous, order: readonly PlacementNode[]): Placement<PlacementNode> => {
    const derived = (next: Rendezvous): Placement<PlacementNode> => {
      const kept = order.filter(({ id }) => next.nodes.has(id)).map(({ id }) => next.nodes.get(id)!);
      return wrap(next, [...kept, ...[...next.nodes.values()].filter((node) => !kept.includes(node))]);
    };
    return {
      size: sound.size,
      nodes: sound.nodes,
      fingerprint: sound.fingerprint,
      get: (key) => sound.get(key),
      getN: (key, count, options) => sound.getN(key, count, options),
      rank: (key) => sound.rank(key),
      ownership: () => sound.ownership(),
      with: (...nodes) => derived(sound.with(...nodes)),
      without: (...ids) => derived(sound.without(...ids)),
      withWeight: (id, weight) => derived(sound.withWeight(id, weight)),
      toJSON: () => sound.toJSON(),
      ...fault(sound, order),
    };
  };
  return (nodes, setting: Setting) => {
    const sound = new Rendezvous(nodes, setting);
    return wrap(
      sound,
      nodes.map((node) => sound.nodes.get(typeof node === 'string' ? node : node.id)!),
    );
  };
}

const byOrder = (nodes: readonly PlacementNode[], key: string | Uint8Array): PlacementNode | undefined => {
  const living = nodes.filter(({ weight }) => weight !== 0);
  return living[key.length % living.length];
};

describe('placementSuite', () => {
  it('passes what is sound', () => {
    expect(failures((nodes, setting) => new Rendezvous(nodes, setting), { shares: 'weights' })).toEqual([]);
    expect(failures(faulty(() => ({})))).toEqual([]);
  });

  it.each<[string, string, Fault]>([
    [
      'an owner by the order of arrival',
      'whatever the order and the history',
      (_, nodes) => ({ get: (key) => byOrder(nodes, key) }),
    ],
    [
      'an owner by the number of nodes',
      'only to a newcomer',
      (sound) => ({ get: (key) => byOrder([...sound.nodes.values()], key) }),
    ],
    [
      'an owner by the number of nodes, when one leaves',
      'only from a leaver',
      (sound) => ({ get: (key) => byOrder([...sound.nodes.values()], key) }),
    ],
    [
      'an owner by the sum of weights',
      'gains weight',
      (sound) => {
        const total = [...sound.nodes.values()].reduce((sum, { weight = 1 }) => sum + weight, 0);
        return { get: (key) => sound.get(`${String(total)}:${String(key)}`) };
      },
    ],
    [
      'a ranking that can be read once',
      'ranks distinct',
      (sound) => ({ rank: (key) => sound.rank(key)[Symbol.iterator]() as never }),
    ],
    [
      'a list that repeats the owner',
      'ranks distinct',
      (sound) => ({
        getN: (key, count) => [sound.get(key), ...sound.rank(key)].filter((node) => node !== undefined).slice(0, count),
      }),
    ],
    [
      'a list that forgets the last',
      'lists every node',
      (sound) => ({ rank: (key) => [...sound.rank(key)].slice(0, 2) }),
    ],
    [
      'an exclusion after the cut',
      '`exclude`',
      (sound) => ({
        getN: (key, count, options) => {
          const { exclude, ...rest } = options ?? {};
          return sound.getN(key, count, rest).filter((node) => exclude?.(node) !== true);
        },
      }),
    ],
    [
      'zones that are ignored',
      'spreads over zones',
      (sound) => ({
        getN: (key, count, { spread, ...rest } = {}) =>
          spread === undefined ? sound.getN(key, count, rest) : sound.getN(key, count, rest),
      }),
    ],
    [
      'shares that do not sum up',
      'owns in sum',
      (sound) => ({ ownership: () => new Map([...sound.ownership()].map(([id, s]) => [id, s / 2])) }),
    ],
    [
      'shares of the wrong nodes',
      'owns what it is found',
      (sound) => ({
        ownership: () => new Map([...sound.nodes.keys()].map((id, i) => [id, i === 0 ? 1 : 0])),
      }),
    ],
    [
      'drained nodes in the list',
      'ranks distinct',
      (sound) => ({
        rank: (key) => [...sound.rank(key), ...[...sound.nodes.values()].filter(({ weight }) => weight === 0)],
      }),
    ],
    [
      'a drained node that is forgotten',
      'drained',
      (sound) => ({
        withWeight: (id, weight) => (weight === 0 ? sound.without(id) : sound.withWeight(id, weight)),
      }),
    ],
    [
      'changes in place',
      'is not changed',
      (sound) => {
        let now = sound;
        return { get: (key) => now.get(key), with: (...nodes) => (now = now.with(...nodes)) };
      },
    ],
    ['one fingerprint for all', 'apart by fingerprint', () => ({ fingerprint: 'same' })],
    [
      'strings hashed by UTF-16',
      'UTF-8 bytes',
      (sound) => ({
        get: (key) => sound.get(typeof key === 'string' ? `"${key}"` : key),
      }),
    ],
    [
      'lone surrogates that are dropped',
      'UTF-8 bytes',
      (sound) => ({
        get: (key) => sound.get(typeof key === 'string' ? key.replace(/\p{Surrogate}/gu, '') : key),
      }),
    ],
    [
      'ids looked up in an object',
      'hostile ids',
      (sound) => {
        const owned: Record<string, number> = {};
        for (const [id, share] of sound.ownership()) owned[id] = share;
        return { ownership: () => new Map(Object.entries(owned)) };
      },
    ],
    [
      'any count',
      'refuses',
      (sound) => ({
        getN: (key, count, options) => sound.getN(key, Math.max(0, Math.trunc(count) || 0), options),
      }),
    ],
  ])('finds %s', (_, promise, fault) => {
    expect(failures(faulty(fault)).join('; ')).toContain(promise);
  });

  it('finds a way back from JSON that forgets the seed', () => {
    const fromJSON = (json: unknown, hasher: Hasher): Placement<PlacementNode> =>
      new Rendezvous((json as { nodes: PlacementNode[] }).nodes, { hasher });
    expect(failures((nodes, setting) => new Rendezvous(nodes, setting), { fromJSON })).toContain(
      'comes back from JSON as it was',
    );
  });

  it('finds one that gives everything to the node with the least id', () => {
    const greedy = faulty((_, nodes) => {
      const order = nodes.filter(({ weight }) => weight !== 0).sort((a, b) => (a.id < b.id ? -1 : 1));
      return {
        get: () => order[0],
        getN: (_key, count, options) => {
          const eligible = order.filter((node) => options?.exclude?.(node) !== true);
          return eligible.slice(0, count);
        },
        rank: () => order,
        ownership: () => new Map(nodes.map((node) => [node.id, node === order[0] ? 1 : 0])),
      };
    });
    expect(failures(greedy).join('; ')).toContain('none of eight owns three quarters');
    expect(failures(greedy, { shares: 'any' }).join('; ')).not.toContain('none of eight');
  });

  it('finds one that does not look at the seed', () => {
    const deaf: MakePlacement = (nodes, { hasher }) => new Rendezvous(nodes, { hasher });
    expect(failures(deaf).join('; ')).toContain('places otherwise under another seed');
    expect(failures(deaf, { seeded: false }).join('; ')).not.toContain('another seed');
  });

  it('waives what it is told to', () => {
    const moves = faulty((sound) => ({
      get: (key) => byOrder([...sound.nodes.values()], key),
      rank: (key) => {
        const owner = byOrder([...sound.nodes.values()], key);
        return owner === undefined ? [] : [owner, ...[...sound.rank(key)].filter(({ id }) => id !== owner.id)];
      },
    }));
    const names = failures(moves, { movement: 'any' }).join('; ');
    expect(names).not.toContain('moves keys');
    expect(failures(moves).join('; ')).toContain('moves keys');
  });

  it.each([
    [undefined, {}, 'make must be a function, got undefined'],
    [faulty(() => ({})), { numRuns: 0 }, 'numRuns must be an integer >= 1, got 0'],
    [faulty(() => ({})), { movement: 'none' }, 'movement must be "minimal" or "any", got "none"'],
    [faulty(() => ({})), { seeded: 1 }, 'seeded must be a boolean, got 1'],
    [faulty(() => ({})), { runs: 1 }, 'placementSuite has no option "runs"'],
  ])('refuses bad input, case %#', (make, options, message) => {
    expect(() => {
      placementSuite(make as never, { describe, it, fc }, options as never);
    }).toThrow(message);
  });

  it('refuses tools that are none', () => {
    for (const tools of [
      { it, fc },
      { describe, fc },
      { describe, it, fc: {} },
    ]) {
      expect(() => {
        placementSuite(
          faulty(() => ({})),
          tools as never,
        );
      }).toThrow(/^(describe|it) must be a function|^fc must be fast-check/);
    }
  });
});
