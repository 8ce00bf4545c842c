import { isLeadershipLost, type Term } from 'holdfast/election';
import type { AnalysedDocument } from './analysis.ts';
import { inBatches } from './batches.ts';
import type { EmptyLeaf, Orders, Report } from './indexer-protocol.ts';
import type { Latest } from './latest.ts';
import { callLeaf, isRefused, within } from './leaf-client.ts';
import { messageOf } from './message.ts';
import type { AddAnswer, AddRequest, ClaimAnswer, ClaimRequest } from './protocol.ts';

const writeMs = 20_000;

export interface IndexingOptions {
  readonly term: Pick<Term, 'token' | 'signal' | 'guard'>;
  /** The documents of each shard. */
  readonly placed: ReadonlyMap<string, readonly AnalysedDocument[]>;
  readonly orders: Latest<Orders>;
  readonly tell: (report: Report) => Promise<void>;
  /** Returns when the leader may go on. */
  readonly standStill: () => void;
}

/** What a leader does in its term: brings the leaves the documents that they do not have. */
export class Indexing {
  readonly #options: IndexingOptions;
  /** Writes that leaves have not answered yet. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** What leaves had when they were claimed, and what they were sent since; by address. */
  readonly #copies = new Map<string, number>();
  #hasStood = false;
  /** Resolves when the leader goes on that stands still, or is about to. */
  #standing: Promise<void> | undefined;

  constructor(options: IndexingOptions) {
    this.#options = options;
  }

  /** Fills each leaf that there is and that comes, until the term is over. What it meets is told; it does not reject. */
  async run(): Promise<void> {
    const { term, orders, tell } = this.#options;
    const claim = (leaf: EmptyLeaf): readonly [string, Promise<Set<string>>] => [leaf.url, this.#claim(leaf)];
    // First all: what a leader before this one has under way is refused from now on, and what has arrived is known.
    const claims = new Map(orders.current.leaves.map(claim));
    await Promise.allSettled(claims.values());
    void tell({ type: 'leads', token: term.token });
    const begun = new Set<string>();
    for await (const { leaves } of orders.changes(term.signal)) {
      for (const leaf of leaves) {
        if (begun.has(leaf.url)) continue;
        begun.add(leaf.url);
        void this.#fill(leaf, claims.get(leaf.url) ?? this.#claim(leaf));
      }
    }
  }

  /** Shuts the leaf to all leaders before this one. Resolves with the ids of the documents that it has. */
  async #claim(leaf: EmptyLeaf): Promise<Set<string>> {
    const { term, tell } = this.#options;
    const request: ClaimRequest = { token: String(term.token) };
    const { ids } = (await callLeaf(leaf, '/claim', within(writeMs), request)) as ClaimAnswer;
    this.#copies.set(leaf.url, ids.length);
    void tell({ type: 'arrived', token: term.token, leaf, documents: ids.length });
    return new Set(ids);
  }

  async #fill(leaf: EmptyLeaf, claim: Promise<ReadonlySet<string>>): Promise<void> {
    const { term, placed, tell } = this.#options;
    const { token } = term;
    try {
      const held = await claim;
      const missing = placed.get(leaf.shard)!.filter(({ id }) => !held.has(id));
      for (const documents of inBatches(missing)) await this.#write(leaf, documents);
      void tell({ type: 'full', token, leaf });
    } catch (error) {
      // Whoever does not lead any more has nothing to say about a leaf.
      if (isRefused(error) || isLeadershipLost(error)) return;
      void tell({ type: 'failed', token, leaf, why: messageOf(error) });
    }
  }

  /** Rejects when the leaf does not take them, and when the term is over: before the write, or after it. */
  async #write(leaf: EmptyLeaf, documents: readonly AnalysedDocument[]): Promise<void> {
    const { term, tell } = this.#options;
    while (this.#standing !== undefined) await this.#standing;
    const written = term.guard(async (token) => {
      // Between a check and what follows it, any process may be stopped for any length of time.
      if (this.#isToStand()) await this.#stand();
      this.#copies.set(leaf.url, this.#copiesOn(leaf) + documents.length);
      const request: AddRequest = { token: String(token), documents };
      return (await callLeaf(leaf, '/documents', within(writeMs), request)) as AddAnswer;
    });
    this.#underWay.add(written);
    try {
      const answer = await written;
      void tell({ type: 'arrived', token: term.token, leaf, documents: answer.documents });
    } catch (error) {
      if (isRefused(error))
        void tell({ type: 'refused', token: term.token, leaf, documents: documents.length, why: error.reason });
      throw error;
    } finally {
      this.#underWay.delete(written);
    }
  }

  /** For the show: once in a term, when the leaves have so much. */
  #isToStand(): boolean {
    const { leaves, standStillAt } = this.#options.orders.current;
    return !this.#hasStood && leaves.reduce((sum, leaf) => sum + this.#copiesOn(leaf), 0) >= standStillAt;
  }

  #copiesOn({ url }: EmptyLeaf): number {
    return this.#copies.get(url) ?? 0;
  }

  /** Stands still when no other write is under way, and until the next one. */
  #stand(): Promise<void> {
    const { term, tell, standStill } = this.#options;
    this.#hasStood = true;
    this.#standing = Promise.allSettled(this.#underWay)
      .then(() => tell({ type: 'stands', token: term.token }))
      .then(standStill)
      .finally(() => (this.#standing = undefined));
    return this.#standing;
  }
}
