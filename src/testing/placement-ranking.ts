import { ensure, ensureSame } from './ensure.ts';
import { idsOf, type Law, picked, weightOf } from './placement-law.ts';

/** @internal A key's own order of preference; by what is promised. Each is run many times. */
export const rankingLaws: Readonly<Record<string, Law>> = {
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
};
