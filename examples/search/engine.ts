import { type Placement, Rendezvous } from 'holdfast/hashing';
import { ShardRouter } from 'holdfast/sharding';
import { Cluster, type Shard } from './cluster.ts';
import type { Document } from './documents.ts';
import { extraAttempts, type ExtraAttempts } from './extra-attempts.ts';
import { Indexer, placeDocuments } from './indexer.ts';
import type { Lifetime } from './lifetime.ts';
import type { Progress } from './progress.ts';
import { DocumentReader } from './reader.ts';
import { gatherStatistics, SearchRoot } from './root.ts';

const shardIds = ['shard-1', 'shard-2', 'shard-3'];
const replicasOfShard = 2;
/** What is about to be started. */
export const layout = `${shardIds.length} shards with ${replicasOfShard} leaves each: starting ${shardIds.length * replicasOfShard} processes`;

/** A query is answered within this time. */
export const deadlineMs = 1_000;

/**
 * A document gets one shard for each 40 times that it is opened in a second. Heat is seen within a second, and each step down
 * takes another: shorter than a service would have it, so that the tour can show it.
 */
const heat = {
  replication: { targetRate: 40, coolDownMs: 750 },
  detector: { windowMs: 500 },
};

/** A search that runs. */
export interface Engine {
  readonly documents: readonly Document[];
  /** The documents of each shard. */
  readonly placed: ReadonlyMap<string, readonly Document[]>;
  /** Which document is on which shard. */
  readonly placement: Placement<Shard>;
  readonly cluster: Cluster;
  readonly root: SearchRoot;
  /** From which shards a document is read: from its own, and from more while it is hot. */
  readonly router: ShardRouter<Shard>;
  readonly reader: DocumentReader;
  /** What is done about leaves that are silent or fail, and what was learnt for it: of searches, and of reads, which are quicker. */
  readonly extra: { readonly searches: ExtraAttempts; readonly reads: ExtraAttempts };
  /** Where the root answers over HTTP. */
  readonly url: string;
}

/**
 * Places the documents on shards, starts the leaves and brings them the documents. Resolves when all leaves serve; what
 * was started ends with the lifetime.
 */
export async function openEngine(
  documents: readonly Document[],
  url: string,
  progress: Progress,
  lifetime: Lifetime,
): Promise<Engine> {
  const cluster = new Cluster(shardIds, replicasOfShard, (replica, shard) => indexer.fill(replica, shard));
  const placement = new Rendezvous(cluster.shards);
  const placed = placeDocuments(documents, placement);
  const indexer = new Indexer(placed, (copies) => {
    progress.update(Math.floor(copies / replicasOfShard));
  });
  lifetime.defer(() => cluster.close());
  lifetime.defer(() => {
    progress.end();
  });
  await cluster.start();
  progress.end();
  const statistics = await gatherStatistics(cluster.shards, lifetime.signal);
  const extra = { searches: extraAttempts(), reads: extraAttempts() };
  const root = new SearchRoot(cluster.shards, statistics, { deadlineMs, extra: extra.searches });
  const router = new ShardRouter(placement, heat);
  const reader = new DocumentReader(router, { deadlineMs, extra: extra.reads });
  return { documents, placed, placement, cluster, root, router, reader, extra, url };
}
