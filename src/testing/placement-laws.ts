import { isInvalidOption } from '../core/errors.ts';
import { type Hasher, type Placement, type PlacementNode, xxh64 } from '../hashing/index.ts';
import { type Draw, hostileIds } from './placement-cases.ts';

/** @internal What a law is told of the placement beside how to make one. */
export interface Promised {
  readonly make: (
    nodes: readonly (PlacementNode | string)[],
    draw: Pick<Draw, 'seed' | 'hasher'>,
  ) => Placement<PlacementNode>;
  readonly restore?: ((json: unknown, hasher: Hasher) => Placement<PlacementNode>) | undefined;
  readonly minimal: boolean;
  readonly proportional: boolean;
  readonly seeded: boolean;
}

/** @internal Throws when the placement of a draw breaks the law. */
export type Law = (promised: Promised, draw: Draw) => void;

const idsOf = (nodes: Iterable<PlacementNode>): string[] => Array.from(nodes, ({ id }) => id);
const weightOf = ({ weight = 1 }: PlacementNode): number => weight;
const plain = { seed: 0n, hasher: xxh64 };

function ensure(holds: boolean, what: string, ...details: readonly unknown[]): void {
  if (!holds)
    throw new Error(details.length === 0 ? what : `${what}: ${details.map((one) => JSON.stringify(one)).join(', ')}`);
}

function ensureSame(one: unknown, other: unknown, what: string): void {
  ensure(JSON.stringify(one) === JSON.stringify(other), what, one, other);
}

/** All that a placement says of some keys. */
function answers(placement: Placement<PlacementNode>, { keys }: Draw): unknown {
  return [keys.map((key) => [placement.get(key)?.id ?? null, ...idsOf(placement.rank(key))]), placement.fingerprint];
}

function owners(placement: Placement<PlacementNode>, { keys }: Draw): (string | undefined)[] {
  return keys.map((key) => placement.get(key)?.id);
}

function picked({ nodes, pick }: Draw): PlacementNode | undefined {
  return nodes.length === 0 ? undefined : nodes[pick % nodes.length];
}

/** @internal By what is promised; each is run many times. */
export const laws: Readonly<Record<string, Law>> = {
  'answers by {id → weight} alone, whatever the order and the history'({ make }, draw) {
    const { nodes, others, pick, weight } = draw;
    let travelled = make(others, draw);
    for (const node of nodes.slice(0, 4))
      travelled = travelled.with({ ...node, weight }).without(...idsOf(others).slice(0, 2));
    const turned = nodes.map((_, i) => nodes[(i + pick) % nodes.length]!);
    const home = travelled.without(...idsOf(others)).with(...turned);
    const direct = make(nodes, draw);
    ensureSame(answers(home, draw), answers(direct, draw), 'answers after a detour and directly');
    ensureSame([...home.nodes.values()], [...direct.nodes.values()], 'nodes after a detour and directly');
    ensureSame([...home.ownership()], [...direct.ownership()], 'ownership after a detour and directly');
  },

  'moves keys only to a newcomer, and back when it leaves'({ make, minimal }, draw) {
    const before = make(draw.nodes, draw);
    const id = 'newcomer';
    const after = before.with({ id, weight: draw.weight });
    if (minimal) {
      for (const key of draw.keys) {
        const [was, is] = [before.get(key)?.id, after.get(key)?.id];
        ensure(is === was || is === id, 'a key moved between others', was, is);
      }
    }
    ensureSame(answers(after.without(id), draw), answers(before, draw), 'answers after coming and going, and before');
  },

  'moves keys only from a leaver'({ make, minimal }, draw) {
    const leaver = picked(draw);
    if (leaver === undefined || !minimal) return;
    const before = make(draw.nodes, draw);
    const after = before.without(leaver.id);
    for (const key of draw.keys) {
      const [was, is] = [before.get(key)?.id, after.get(key)?.id];
      ensure(was === leaver.id || is === was, 'a key moved between others', was, is);
    }
  },

  'moves keys only to a node that gains weight and only from one that loses it'({ make, minimal }, draw) {
    const node = picked(draw);
    if (node === undefined) return;
    const before = make(draw.nodes, draw);
    const after = before.withWeight(node.id, draw.weight);
    ensure(after.nodes.get(node.id)?.weight === draw.weight, 'the node has not the new weight');
    if (!minimal) return;
    for (const key of draw.keys) {
      const [was, is] = [before.get(key)?.id, after.get(key)?.id];
      if (was === is) continue;
      ensure(draw.weight !== weightOf(node), 'a key moved without a change', was, is);
      ensure((draw.weight > weightOf(node) ? is : was) === node.id, 'a key moved the wrong way', was, is);
    }
  },

  'ranks distinct nodes with weight, the owner first, a longer list beginning with the shorter'({ make }, draw) {
    const placement = make(draw.nodes, draw);
    const eligible = draw.nodes.filter((node) => weightOf(node) > 0).length;
    const rankings = draw.keys.map((key) => placement.rank(key));
    for (const [i, key] of draw.keys.entries()) {
      const list = idsOf(placement.getN(key, draw.count));
      ensure(new Set(list).size === list.length, 'a node is listed twice', list);
      ensure(list.length <= Math.min(draw.count, eligible), 'the list is too long', list);
      ensureSame(
        idsOf(placement.getN(key, draw.count + 1)).slice(0, list.length),
        list,
        'a longer list and the shorter',
      );
      // Asked before the other keys, read after: and again, from the start.
      const all = idsOf(rankings[i]!);
      ensureSame(all, idsOf(rankings[i]!), 'a ranking and the same again');
      ensureSame(all.slice(0, draw.count), list, 'the ranking and the list');
      ensureSame(all[0], placement.get(key)?.id, 'the first of the ranking and the owner');
      ensure(
        all.every((id) => placement.nodes.get(id)?.weight !== 0),
        'a drained node is listed',
        all,
      );
    }
  },

  'lists every node that owns anything'({ make }, draw) {
    const placement = make(draw.nodes, draw);
    const owning = [...placement.ownership()].filter(([, share]) => share > 0).map(([id]) => id);
    for (const key of draw.keys) {
      const all = new Set(idsOf(placement.rank(key)));
      ensure(
        owning.every((id) => all.has(id)),
        'an owner is missing',
        owning,
        [...all],
      );
    }
  },

  'lists after a removal as before without the removed, and so does `exclude`'({ make, minimal }, draw) {
    const gone = picked(draw)?.id;
    if (gone === undefined) return;
    const placement = make(draw.nodes, draw);
    const without = placement.without(gone);
    for (const key of draw.keys) {
      const expected = idsOf(placement.rank(key))
        .filter((id) => id !== gone)
        .slice(0, draw.count);
      const excluded = placement.getN(key, draw.count, { exclude: ({ id }) => id === gone });
      ensureSame(idsOf(excluded), expected, 'the list with an exclusion and the ranking without it');
      if (minimal) ensureSame(idsOf(without.getN(key, draw.count)), expected, 'the list after the removal and before');
    }
  },

  'spreads over zones first, still fills, and stays a prefix'({ make }, draw) {
    const placement = make(draw.nodes, draw);
    for (const key of draw.keys) {
      const all = [...placement.rank(key)];
      const list = placement.getN(key, draw.count, { spread: 'zone' });
      const zones = new Set(all.map(({ zone }) => zone)).size;
      const spread = new Set(list.slice(0, zones).map(({ zone }) => zone)).size;
      ensure(spread === Math.min(draw.count, zones), 'a zone came twice before another came', list);
      ensure(list.length === Math.min(draw.count, all.length), 'the list is not filled', list);
      const longer = idsOf(placement.getN(key, draw.count + 1, { spread: 'zone' }));
      ensureSame(longer.slice(0, list.length), idsOf(list), 'a longer list and the shorter');
      if (draw.count > 0) ensureSame(list[0]?.id, placement.get(key)?.id, 'the first of the list and the owner');
      const other = placement.getN(key, draw.count, { spread: 'zone', exclude: ({ zone }) => zone === 'a' });
      ensure(
        other.every(({ zone }) => zone !== 'a'),
        'an excluded node is listed',
        other,
      );
    }
  },

  'owns in sum everything, and nothing where drained'({ make, proportional }, draw) {
    const shares = make(draw.nodes, draw).ownership();
    const total = draw.nodes.reduce((sum, node) => sum + weightOf(node), 0);
    ensureSame([...shares.keys()].sort(), idsOf(draw.nodes).sort(), 'ids with shares and nodes');
    const sum = [...shares.values()].reduce((a, b) => a + b, 0);
    ensure(Math.abs(sum - (total === 0 ? 0 : 1)) < 1e-9, 'the sum of the shares', sum);
    for (const node of draw.nodes) {
      const share = shares.get(node.id)!;
      ensure(share >= 0 && (share === 0 || weightOf(node) > 0), 'the share of a node', node, share);
      if (!proportional) continue;
      ensure(Math.abs(share - (total === 0 ? 0 : weightOf(node) / total)) < 1e-9, 'share and weight', node, share);
    }
  },

  'owns what it is found to own, within 5 standard deviations'({ make }, { nodes, seed, pick }) {
    const placement = make(nodes, { seed, hasher: xxh64 });
    const counts = new Map<string | undefined, number>();
    const keys = 400;
    for (let i = 0; i < keys; i++) {
      const id = placement.get(`${String(pick)}:${String(i)}`)?.id;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const [id, share] of placement.ownership()) {
      const count = counts.get(id) ?? 0;
      // Beside it 5: for a share of next to nothing is not normally distributed.
      const margin = 5 * Math.sqrt(keys * share * (1 - share)) + 5;
      ensure(Math.abs(count - share * keys) <= margin, `of ${String(keys)} keys`, id, count, share);
      ensure(share > 0 || count === 0, 'keys of a node without a share', id, count);
    }
  },

  'treats a drained node as one that is not there, but knows it'({ make }, draw) {
    const node = picked(draw);
    if (node === undefined) return;
    const placement = make(draw.nodes, draw);
    const drained = placement.withWeight(node.id, 0);
    const gone = placement.without(node.id);
    ensureSame(owners(drained, draw), owners(gone, draw), 'owners with the drained and without it');
    for (const key of draw.keys) {
      ensureSame(idsOf(drained.rank(key)), idsOf(gone.rank(key)), 'rankings with the drained and without it');
    }
    ensure(drained.size === placement.size && drained.nodes.has(node.id), 'the drained node is forgotten');
    ensure(drained.fingerprint !== gone.fingerprint, 'a drained node does not show in the fingerprint');
  },

  'is not changed by what is derived from it or by what was given to it'({ make }, draw) {
    const given = [...draw.nodes];
    const text = JSON.stringify(given);
    const placement = make(given, draw);
    const before = JSON.stringify([answers(placement, draw), placement]);
    given.length = 0;
    const node = picked(draw);
    placement.with('newcomer', ...draw.others).without('newcomer', ...idsOf(draw.nodes).slice(1));
    if (node !== undefined) placement.withWeight(node.id, draw.weight).with({ id: node.id, zone: 'moved' });
    for (const key of draw.keys) placement.getN(key, draw.count).length = 0;
    ensureSame(JSON.stringify([answers(placement, draw), placement]), before, 'the placement after and before');
    ensureSame(JSON.stringify(draw.nodes), text, 'the nodes after and before');
  },

  'comes back from JSON as it was'({ make, restore }, draw) {
    const placement = make(draw.nodes, draw);
    const text = JSON.stringify(placement);
    ensure(!Number.isNaN(placement.toJSON().version), 'no version');
    if (restore === undefined) return;
    const back = restore(JSON.parse(text), draw.hasher);
    ensureSame(answers(back, draw), answers(placement, draw), 'answers after JSON and before');
    ensureSame(JSON.stringify(back), text, 'JSON after JSON and before');
    ensure(Object.getPrototypeOf(back) === Object.getPrototypeOf(placement), 'it is of another class');
    const [one, other] = [back, placement].map((from) => from.with(...draw.others));
    ensureSame(answers(one!, draw), answers(other!, draw), 'answers of what is derived, after JSON and before');
  },

  'tells memberships, weights, seeds and hashers apart by fingerprint'({ make, seeded }, draw) {
    const spell = (nodes: readonly PlacementNode[]): string =>
      JSON.stringify(nodes.map((node) => [node.id, weightOf(node)] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
    const same = spell(draw.nodes) === spell(draw.others);
    const one = make(draw.nodes, draw).fingerprint;
    ensure((one === make(draw.others, draw).fingerprint) === same, 'fingerprints of two memberships');
    if (!seeded) return;
    ensure(one !== make(draw.nodes, { ...draw, seed: draw.seed ^ 1n }).fingerprint, 'fingerprints of two seeds');
    const hasher = { ...xxh64, name: 'another' };
    ensure(one !== make(draw.nodes, { ...draw, hasher }).fingerprint, 'fingerprints of two hashers');
  },

  'takes a string and its UTF-8 bytes for one key'({ make }, draw) {
    const placement = make(draw.nodes, draw);
    for (const key of draw.keys) {
      if (typeof key !== 'string') continue;
      const bytes = new TextEncoder().encode(key);
      ensureSame(idsOf(placement.rank(bytes)), idsOf(placement.rank(key)), 'the ranking of bytes and of the string');
      ensureSame(placement.get(bytes)?.id, placement.get(key)?.id, 'the owner of bytes and of the string');
    }
  },
};

function refused(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch (error) {
    return isInvalidOption(error);
  }
}

/** @internal By what is promised; each is run once. */
export const examples: Readonly<Record<string, (promised: Promised) => void>> = {
  'has nothing to give without nodes or without weight'({ make }) {
    for (const nodes of [[], [{ id: 'a', weight: 0 }]]) {
      const placement = make(nodes, plain);
      ensure(placement.get('k') === undefined, 'there is an owner');
      ensureSame([...placement.rank('k'), ...placement.getN('k', 3)], [], 'the ranking and nothing');
      ensure(placement.size === nodes.length, 'the size', placement.size);
      ensureSame(
        [...placement.ownership().values()],
        nodes.map(() => 0),
        'the shares and zeros',
      );
    }
  },

  'gives everything to a single node, as it was given'({ make }) {
    const node = { id: 'only', address: 'http://only' };
    const placement = make([node], plain);
    for (let i = 0; i < 50; i++) ensure(placement.get(`k${String(i)}`) === node, 'the owner is not the node given');
    ensureSame([...placement.ownership()], [['only', 1]], 'the shares and one');
  },

  'knows hostile ids as any others'({ make }) {
    const placement = make(hostileIds, plain);
    ensureSame([...placement.nodes.keys()].sort(), [...hostileIds].sort(), 'the ids known and given');
    ensureSame([...placement.ownership().keys()].sort(), [...hostileIds].sort(), 'the ids with shares and given');
    for (const id of hostileIds) {
      ensure(!placement.without(id).nodes.has(id), 'an id cannot be removed', id);
      ensure(placement.withWeight(id, 2).nodes.get(id)?.weight === 2, 'an id cannot be reweighted', id);
    }
  },

  'places a key of a megabyte'({ make }) {
    const placement = make(['a', 'b', 'c'], plain);
    const long = 'k'.repeat(1_000_000);
    ensureSame(placement.get(long)?.id, placement.get(new TextEncoder().encode(long))?.id, 'as a string and as bytes');
  },

  'refuses what is no node, no key, no count and no option'({ make }) {
    const bad = [
      7,
      null,
      {},
      { id: 7 },
      '\ud800',
      ...[Number.NaN, -1, Infinity, 1e7, '1'].map((weight) => ({ id: 'a', weight })),
    ];
    const placement = make(['a'], plain);
    for (const node of bad as never[]) {
      ensure(
        refused(() => make([node], plain)),
        'a bad node was taken',
        node,
      );
      ensure(
        refused(() => placement.with(node)),
        'a bad node was added',
        node,
      );
    }
    ensure(
      refused(() => make(['a', { id: 'a' }], plain)),
      'two nodes of one id were taken',
    );
    ensure(
      refused(() => placement.withWeight('unknown', 1)),
      'an unknown id was reweighted',
    );
    ensure(
      refused(() => placement.withWeight('a', -1)),
      'a bad weight was taken',
    );
    for (const key of [undefined, null, 7, {}, [1]] as never[]) {
      ensure(refused(() => placement.get(key)) && refused(() => placement.rank(key)), 'a bad key was taken', key);
    }
    for (const count of [-1, 1.5, Number.NaN, '2'] as never[])
      ensure(
        refused(() => placement.getN('k', count)),
        'a bad count was taken',
        count,
      );
    ensure(
      refused(() => placement.getN('k', 1, { spread: 'rack' } as never)),
      'a bad spread was taken',
    );
  },
};
