import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Placement, Rendezvous } from 'holdfast/hashing';
import { ShardRouter } from 'holdfast/sharding';
import { placeDocuments } from './batches.ts';
import { Cluster, type Shard } from './cluster.ts';
import type { Document, Source } from './documents.ts';
import { extraAttempts, type ExtraAttempts } from './extra-attempts.ts';
import { Indexers } from './indexers.ts';
import type { Lifetime } from './lifetime.ts';
import type { Progress } from './progress.ts';
import { DocumentReader } from './reader.ts';
import { gatherStatistics, SearchRoot } from './root.ts';
import { tellLeaders } from './succession.ts';

const shardIds = ['shard-1', 'shard-2', 'shard-3'];
const replicasOfShard = 2;
const indexerCount = 2;
/** What is about to be started. */
export const layout = `${shardIds.length} shards with ${replicasOfShard} leaves each, ${indexerCount} indexers: starting ${shardIds.length * replicasOfShard + indexerCount} processes`;

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
  /** They bring the leaves their documents. */
  readonly indexers: Indexers;
  readonly root: SearchRoot;
  /** From which shards a document is read: from its own, and from more while it is hot. */
  readonly router: ShardRouter<Shard>;
  readonly reader: DocumentReader;
  /** What is done about leaves that are silent or fail, and what was learnt for it: of searches, and of reads, which are quicker. */
  readonly extra: { readonly searches: ExtraAttempts; readonly reads: ExtraAttempts };
  /** Where the root answers over HTTP. */
  readonly url: string;
}

export interface EngineOptions {
  /** What is to be found. The leader of the indexers reads it itself. */
  readonly documents: readonly Document[];
  readonly source: Source;
  /** Where the root will answer. */
  readonly url: string;
  readonly progress: Progress;
  readonly lifetime: Lifetime;
  /** What is to happen to the leaders while they index. */
  readonly trouble?: ((indexers: Indexers, copies: number) => void) | undefined;
}

/** Starts the leaves and the indexers. Resolves when all leaves serve; what was started ends with the lifetime. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { documents, source, url, progress, lifetime, trouble } = options;
  const leases = temporaryFolder(lifetime);
  const indexers = new Indexers(indexerCount, { leases, source, shards: shardIds });
  const cluster = new Cluster(shardIds, replicasOfShard, indexers.fill);
  const placement = new Rendezvous(cluster.shards);
  const placed = placeDocuments(documents, placement);
  const documentsNow = (): number => Math.floor(indexers.copies / replicasOfShard);
  lifetime.defer(() => indexers.close());
  lifetime.defer(() => cluster.close());
  lifetime.defer(() => {
    progress.end();
  });
  indexers.on('progress', () => {
    progress.update(documentsNow());
  });
  tellLeaders(
    indexers,
    () => `${documentsNow()} of ${documents.length} documents are indexed`,
    (line) => {
      progress.note(line);
    },
  );
  trouble?.(indexers, replicasOfShard * documents.length);
  await Promise.race([cluster.start(), indexers.run()]);
  progress.end();
  const statistics = await gatherStatistics(cluster.shards, lifetime.signal);
  const extra = { searches: extraAttempts(), reads: extraAttempts() };
  const root = new SearchRoot(cluster.shards, statistics, { deadlineMs, extra: extra.searches });
  const router = new ShardRouter(placement, heat);
  const reader = new DocumentReader(router, { deadlineMs, extra: extra.reads });
  return { documents, placed, placement, cluster, indexers, root, router, reader, extra, url };
}

/** It is gone after the end of the lifetime. */
function temporaryFolder(lifetime: Lifetime): string {
  lifetime.signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-search-'));
  lifetime.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
