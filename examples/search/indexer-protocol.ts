/** What the indexers and their parent process say to each other, by messages. */

/** The argument of an indexer process, as JSON. */
export interface IndexerSetup {
  readonly id: string;
  /** Where the lease is, and the documents that are analysed. */
  readonly folder: string;
  readonly shards: readonly string[];
}

/** A leaf that must be filled. */
export interface EmptyLeaf {
  readonly id: string;
  readonly shard: string;
  readonly url: string;
}

/** To every indexer, whether it leads or not: what there is to do. The newest replaces those before. */
export interface Orders {
  readonly leaves: readonly EmptyLeaf[];
  /** For the show: whoever leads stands still before its next write when these leaves have so many documents. */
  readonly standStillAt: number;
}

/** From a leader. Those of a leader before it may come late: the parent passes over what has a smaller token. */
export type Report = { readonly token: bigint } & (
  | { readonly type: 'leads' }
  /** A leaf has so many documents by now. */
  | { readonly type: 'arrived'; readonly leaf: EmptyLeaf; readonly documents: number }
  /** A leaf has all documents of its shard. */
  | { readonly type: 'full'; readonly leaf: EmptyLeaf }
  /** A leaf did not take what it was sent. */
  | { readonly type: 'failed'; readonly leaf: EmptyLeaf; readonly why: string }
  /** A leaf has seen a later leader, and this one came too late. */
  | { readonly type: 'refused'; readonly leaf: EmptyLeaf; readonly documents: number; readonly why: string }
  /** It stands still from now on. */
  | { readonly type: 'stands' }
);
