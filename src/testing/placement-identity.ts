import { type PlacementNode, xxh64 } from '../hashing/index.ts';
import { ensure, ensureSame } from './ensure.ts';
import { answers, idsOf, type Law, picked, weightOf } from './placement-law.ts';

/** @internal What a placement is, as a value and as data; by what is promised. Each is run many times. */
export const identityLaws: Readonly<Record<string, Law>> = {
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

  'places otherwise under another seed'({ make, seeded }, { seed }) {
    if (!seeded) return;
    const nodes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const [one, other] = [seed, seed ^ 1n].map((of) => make(nodes, { seed: of, hasher: xxh64 }));
    const keys = Array.from({ length: 200 }, (_, i) => `key:${String(i)}`);
    ensure(
      keys.some((key) => one!.get(key)?.id !== other!.get(key)?.id),
      'the owners of 200 keys under two seeds are the same',
    );
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
