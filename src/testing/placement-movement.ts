import { ensure, ensureSame } from './ensure.ts';
import { answers, idsOf, type Law, picked, weightOf } from './placement-law.ts';

/** @internal What decides where a key is, and which keys a change moves; by what is promised. Each is run many times. */
export const movementLaws: Readonly<Record<string, Law>> = {
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
};
