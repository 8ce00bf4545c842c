import type { Placement, PlacementNode } from 'holdfast/hashing';
import type { Document } from './documents.ts';

const batch = { documents: 32, characters: 256 * 1024 };

/** The documents of each shard. */
export function placeDocuments<D extends Document>(
  documents: readonly D[],
  placement: Placement<PlacementNode>,
): ReadonlyMap<string, readonly D[]> {
  const placed = new Map<string, D[]>([...placement.nodes.keys()].map((shard) => [shard, []]));
  for (const document of documents) placed.get(placement.get(document.id)!.id)!.push(document);
  return placed;
}

/** The documents in order, as many together as fit into one request. */
export function* inBatches<D extends Document>(documents: readonly D[]): Generator<readonly D[]> {
  let open: D[] = [];
  let characters = 0;
  for (const document of documents) {
    if (open.length === batch.documents || (open.length > 0 && characters + document.text.length > batch.characters)) {
      yield open;
      open = [];
      characters = 0;
    }
    open.push(document);
    characters += document.text.length;
  }
  if (open.length > 0) yield open;
}
