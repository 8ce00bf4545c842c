import type { Call } from 'holdfast/calls';
import type { Shard } from './cluster.ts';
import type { ExtraAttempts } from './extra-attempts.ts';
import { callLeaf, type Replica } from './leaf-client.ts';
import type { ReadAnswer, ReadRequest } from './protocol.ts';

/** What a leaf knows of a document: its text, or `null` for neither the document nor a copy. */
interface LeafText extends ReadAnswer {
  readonly leaf: Replica;
}

/** Reads a document, by its id, from a leaf of the shard. */
export type ReadShard = (shard: Shard) => Call<string, LeafText>;

/** Reads from the best leaf; from another one too when that is silent for too long, or at once when it fails. */
export function shardReader(extra: ExtraAttempts): ReadShard {
  return ({ replicas }) =>
    (id, options) =>
      replicas.run(
        async (leaf, attempt): Promise<LeafText> => {
          const answer = await callLeaf(leaf, '/read', attempt, { id } satisfies ReadRequest);
          return { leaf, ...(answer as ReadAnswer) };
        },
        { ...options, ...extra },
      );
}
