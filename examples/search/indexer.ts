import type { Placement, PlacementNode } from 'holdfast/hashing';
import type { Document } from './documents.ts';
import { callLeaf, type Replica, within } from './leaf-client.ts';
import type { AddRequest } from './protocol.ts';

const batch = { documents: 32, characters: 256 * 1024 };
const batchMs = 20_000;

/** The documents of each shard. */
export function placeDocuments(
  documents: readonly Document[],
  placement: Placement<PlacementNode>,
): ReadonlyMap<string, readonly Document[]> {
  const placed = new Map<string, Document[]>([...placement.nodes.keys()].map((shard) => [shard, []]));
  for (const document of documents) placed.get(placement.get(document.id)!.id)!.push(document);
  return placed;
}

/** The documents in order, as many together as fit into one request. */
export function* inBatches(documents: readonly Document[]): Generator<readonly Document[]> {
  let open: Document[] = [];
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

/** Brings documents to leaves, and counts what has arrived. */
export class Indexer {
  readonly #placed: ReadonlyMap<string, readonly Document[]>;
  readonly #onProgress: (copies: number) => void;
  /** Copies of documents by leaf: one that is filled again begins anew. */
  readonly #arrived = new Map<string, number>();

  constructor(placed: ReadonlyMap<string, readonly Document[]>, onProgress: (copies: number) => void) {
    this.#placed = placed;
    this.#onProgress = onProgress;
  }

  /** Sends all documents of a shard to a leaf. Rejects when one batch does not arrive: then the leaf is of no use. */
  async fill(replica: Replica, shard: string): Promise<void> {
    this.#count(replica, 0);
    for (const documents of inBatches(this.#placed.get(shard) ?? [])) {
      await callLeaf(replica, '/documents', within(batchMs), { documents } satisfies AddRequest);
      this.#count(replica, documents.length);
    }
  }

  #count(replica: Replica, documents: number): void {
    this.#arrived.set(replica.id, documents === 0 ? 0 : (this.#arrived.get(replica.id) ?? 0) + documents);
    this.#onProgress([...this.#arrived.values()].reduce((sum, count) => sum + count, 0));
  }
}
