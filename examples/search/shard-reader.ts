import { type Call, hedge } from 'holdfast/calls';
import type { Shard } from './cluster.ts';
import { callLeaf, type Replica } from './leaf-client.ts';
import type { ReadAnswer, ReadRequest } from './protocol.ts';

/** What a leaf knows of a document: its text, or `null` for neither the document nor a copy. */
interface LeafText extends ReadAnswer {
  readonly leaf: Replica;
}

/** Reads a document, by its id, from a leaf of the shard. */
export type ReadShard = (shard: Shard) => Call<string, LeafText>;

/** Reads from the least busy leaf; from another one too when that is silent for so long, or at once when it fails. */
export function shardReader(hedgeAfterMs: number): ReadShard {
  return ({ replicas }) =>
    hedge(
      (id, attempt) =>
        replicas.run(async (leaf, inner) => {
          const answer = await callLeaf(leaf, '/read', inner, { id } satisfies ReadRequest);
          return { leaf, ...(answer as ReadAnswer) };
        }, attempt),
      { after: hedgeAfterMs },
    );
}
