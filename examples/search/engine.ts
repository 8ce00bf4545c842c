import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Placement, Rendezvous } from 'holdfast/hashing';
import { ShardRouter } from 'holdfast/sharding';
import { placeDocuments } from './batches.ts';
import { Cluster, type Shard } from './cluster.ts';
import type { Document } from './documents.ts';
import { extraAttempts, type ExtraAttempts } from './extra-attempts.ts';
import { Indexers } from './indexers.ts';
import { Intake } from './intake.ts';
import { tellIntake } from './intake-story.ts';
import type { Lifetime } from './lifetime.ts';
import type { Progress } from './progress.ts';
import { DocumentReader } from './reader.ts';
import { gatherStatistics, SearchRoot } from './root.ts';
import { tellLeaders } from './succession.ts';

const shardIds = ['shard-1', 'shard-2', 'shard-3'];
const replicasOfShard = 2;
const indexerCount = 2;
/** What is about to be started. */
export const layout = `${shardIds.length} shards with ${replicasOfShard} leaves each, ${indexerCount} indexers, an analyser: starting ${shardIds.length * replicasOfShard + indexerCount + 1} processes`;

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
  /** It has had the documents analysed. */
  readonly intake: Intake;
  /** Where what is analysed is, until the end. */
  readonly folder: string;
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

/** What is to happen on purpose. */
export interface Trouble {
  /** To the analyser, while it has documents. */
  readonly analyser: (intake: Intake, documents: number) => void;
  /** To the leaders, while they index. */
  readonly leaders: (indexers: Indexers, copies: number) => void;
}

export interface EngineOptions {
  /** What is to be found. */
  readonly documents: readonly Document[];
  /** Where the root will answer. */
  readonly url: string;
  /** Shows how far the documents are: analysed, then indexed. */
  readonly progress: (what: string) => Progress;
  readonly lifetime: Lifetime;
  readonly trouble?: Trouble | undefined;
}

/** Has the documents analysed, then starts the leaves and the indexers. Resolves when all leaves serve; what was started ends with the lifetime. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { documents, url, lifetime, trouble } = options;
  const folder = temporaryFolder(lifetime);
  const intake = await analyseAll(folder, options);
  const progress = options.progress('indexing');
  const indexers = new Indexers(indexerCount, { folder, shards: shardIds });
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
  trouble?.leaders(indexers, replicasOfShard * documents.length);
  await Promise.race([cluster.start(), indexers.run()]);
  progress.end();
  const statistics = await gatherStatistics(cluster.shards, lifetime.signal);
  const extra = { searches: extraAttempts(), reads: extraAttempts() };
  const root = new SearchRoot(cluster.shards, statistics, { deadlineMs, extra: extra.searches });
  const router = new ShardRouter(placement, heat);
  const reader = new DocumentReader(router, { deadlineMs, extra: extra.reads });
  return { documents, placed, placement, cluster, intake, folder, indexers, root, router, reader, extra, url };
}

/** Resolves when all documents are analysed. The analyser runs on to the end of the lifetime: its threads go when it is time. */
async function analyseAll(folder: string, options: EngineOptions): Promise<Intake> {
  const { documents, lifetime, trouble } = options;
  const progress = options.progress('analysing');
  const intake = new Intake(folder);
  lifetime.defer(() => intake.close());
  lifetime.defer(() => {
    progress.end();
  });
  intake.on('progress', ({ analysed }) => {
    progress.update(analysed);
  });
  tellIntake(intake, (line) => {
    progress.note(line);
  });
  trouble?.analyser(intake, documents.length);
  await intake.run(documents);
  progress.end();
  return intake;
}

/** It is gone after the end of the lifetime. */
function temporaryFolder(lifetime: Lifetime): string {
  lifetime.signal.throwIfAborted();
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-search-'));
  lifetime.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
