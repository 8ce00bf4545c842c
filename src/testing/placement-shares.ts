import { xxh64 } from '../hashing/index.ts';
import { ensure, ensureSame } from './ensure.ts';
import { idsOf, type Law, owners, picked, weightOf } from './placement-law.ts';

/** @internal How much a node owns; by what is promised. Each is run many times. */
export const shareLaws: Readonly<Record<string, Law>> = {
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

  'spreads over equal nodes: none of eight owns three quarters'({ make, spread }, { seed }) {
    if (!spread) return;
    const placement = make(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], { seed, hasher: xxh64 });
    for (const [id, share] of placement.ownership()) ensure(share <= 0.75, 'the share of one of eight', id, share);
  },
};
