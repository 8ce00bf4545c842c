import type { MigrationMove } from './migration-moves.ts';
import type { PlacementNode } from './placement.ts';

/**
 * @internal Moves in batches in which no node takes part in more than `perNode`: each move goes, in order, into the first
 * batch that has room on both sides. A move is kept out of a batch only where its source or its target is full, so there
 * are fewer than twice as many batches as the busiest node needs.
 *
 * O(moves) where one node takes part in all, O(moves × batches) at worst.
 */
export function batchesOf<N extends PlacementNode>(
  moves: readonly MigrationMove<N>[],
  perNode: number,
): MigrationMove<N>[][] {
  const batches: MigrationMove<N>[][] = [];
  const loads = new Map<string, Load>();
  const loadOf = (node: N | undefined): Load => {
    if (node === undefined) return { perBatch: [], firstFree: 0 };
    const load = loads.get(node.id) ?? { perBatch: [], firstFree: 0 };
    loads.set(node.id, load);
    return load;
  };
  for (const move of moves) {
    const sides = [loadOf(move.source), loadOf(move.target)];
    let batch = Math.max(...sides.map(({ firstFree }) => firstFree));
    while (sides.some(({ perBatch }) => (perBatch[batch] ?? 0) >= perNode)) batch++;
    (batches[batch] ??= []).push(move);
    for (const load of sides) {
      load.perBatch[batch] = (load.perBatch[batch] ?? 0) + 1;
      while ((load.perBatch[load.firstFree] ?? 0) >= perNode) load.firstFree++;
    }
  }
  return batches;
}

/** How many moves a node takes part in, by batch; all batches before `firstFree` are full. */
interface Load {
  readonly perBatch: (number | undefined)[];
  firstFree: number;
}
