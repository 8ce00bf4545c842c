import { Deadline } from 'holdfast/core';
import { type Gathered, isInsufficientCoverage, scatterGather } from 'holdfast/scatter';
import type { Shard } from './cluster.ts';
import type { ExtraAttempts } from './extra-attempts.ts';
import { type Found, type Hit, mergeFound, mergeStatistics, type Statistics, statisticsOf } from './inverted-index.ts';
import { callLeaf } from './leaf-client.ts';
import { fromWire, type SearchRequest, toWire, type WireStatistics } from './protocol.ts';
import { type MissingShard, reasonOf, UnavailableError } from './unavailable.ts';
import { termsOf } from './words.ts';

/** The answer to a query, with what is missing of it. */
export interface Answer {
  readonly query: string;
  /** What was searched for: documents that have each of these. */
  readonly terms: readonly string[];
  /** The best, best first. */
  readonly hits: readonly Hit[];
  /** How many documents match, of the shards that answered. */
  readonly total: number;
  /** The share of shards that answered. */
  readonly coverage: number;
  /** Whether a shard is missing: then there may be more documents that match. Those in `hits` match all the same. */
  readonly partial: boolean;
  readonly missing: readonly MissingShard[];
  readonly ms: number;
  readonly attempts: Attempts;
}

/** Requests to leaves for one query, by why they were sent. */
interface Attempts {
  readonly originals: number;
  readonly hedges: number;
  /** Hedges that answered first. */
  readonly hedgesWon: number;
  readonly retries: number;
}

export interface RootOptions {
  /** By when a query is answered. */
  readonly deadlineMs: number;
  /** What is done about a leaf that is silent or fails. */
  readonly extra: ExtraAttempts;
}

const gatherMs = 10_000;
/** What the root keeps for itself of a query's time, to merge the answers. */
const reserveMs = 20;

type LeafAnswer = Found & { readonly cause: string };

/** The statistics of all documents, asked of one replica of each shard; each of them is needed. */
export async function gatherStatistics(shards: readonly Shard[], signal: AbortSignal): Promise<Statistics> {
  const { values } = await scatterGather(
    shards,
    (shard, attempt) => shard.replicas.run((replica, inner) => callLeaf(replica, '/statistics', inner), attempt),
    { deadline: gatherMs, signal, hedge: { after: gatherMs / 4 } },
  );
  return mergeStatistics(values.map((value) => fromWire(value as WireStatistics)));
}

/**
 * Answers queries over all shards.
 *
 * A document is on one shard with all its words, so each leaf intersects the terms over whole documents. A missing shard
 * takes its documents out of the answer, and the answer says so; it never makes a document match that does not.
 */
export class SearchRoot {
  readonly #shards: readonly Shard[];
  readonly #statistics: Statistics;
  readonly #options: RootOptions;

  constructor(shards: readonly Shard[], statistics: Statistics, options: RootOptions) {
    this.#shards = shards;
    this.#statistics = statistics;
    this.#options = options;
  }

  /**
   * The best `k` documents that have all words of the query. A query without words finds nothing.
   *
   * @throws {@link UnavailableError} when no shard answers in time; the signal's reason when it aborts
   */
  async search(query: string, k: number, signal: AbortSignal): Promise<Answer> {
    const start = performance.now();
    const terms = termsOf(query);
    const counts = { original: 0, hedge: 0, retry: 0 };
    const request: SearchRequest = { terms, k, statistics: toWire(statisticsOf(terms, this.#statistics)) };
    const gathered = await this.#gather(request, counts, signal);
    const missing = missingOf(gathered);
    if (gathered.values.length === 0) throw new UnavailableError(missing);
    return {
      query,
      terms,
      ...mergeFound(gathered.values, k),
      coverage: gathered.coverage,
      partial: !gathered.complete,
      missing,
      ms: performance.now() - start,
      attempts: {
        originals: counts.original,
        hedges: counts.hedge,
        hedgesWon: gathered.values.filter(({ cause }) => cause === 'hedge').length,
        retries: counts.retry,
      },
    };
  }

  /** Waits for all shards, and at the deadline takes what there is: more than nothing is worth showing. */
  async #gather(
    request: SearchRequest,
    counts: Record<'original' | 'hedge' | 'retry', number>,
    signal: AbortSignal,
  ): Promise<Gathered<Shard, LeafAnswer>> {
    const { deadlineMs, extra } = this.#options;
    try {
      return await scatterGather<Shard, LeafAnswer>(
        this.#shards,
        async ({ replicas }, attempt) => {
          // The attempt tells the balancer which replica the other attempts use: it takes another.
          const found = await replicas.run((replica, inner) => {
            counts[attempt.cause]++;
            return callLeaf(replica, '/search', inner, request);
          }, attempt);
          return { ...(found as Found), cause: attempt.cause };
        },
        {
          deadline: Deadline.after(deadlineMs),
          reserveMs,
          signal,
          require: 'any',
          straggler: 1,
          ...extra,
        },
      );
    } catch (error) {
      if (isInsufficientCoverage<Shard, LeafAnswer>(error)) return error.partial;
      throw error;
    }
  }
}

function missingOf({ outcomes }: Gathered<Shard, LeafAnswer>): MissingShard[] {
  return outcomes
    .filter(({ status }) => status !== 'ok')
    .map(({ target, status, error }) => ({
      shard: target.id,
      why: status === 'failed' ? reasonOf(error) : 'too late',
    }));
}
