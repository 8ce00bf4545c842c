/** How it stands with one indexer. */
export interface IndexerStatus {
  readonly id: string;
  readonly pid?: number;
  readonly leads: boolean;
  /** Of the newest term of the process; 0 before its first. */
  readonly token: string;
}

/** What happens to indexers. */
export interface IndexersEvents {
  /** One has been elected, and the leaves refuse all before it. */
  leads: IndexerStatus;
  /** The leader stands still, for the show. */
  stands: IndexerStatus;
  /** One gets SIGKILL, for the show. */
  killed: IndexerStatus;
  /** A process has ended; another comes in its place. */
  gone: IndexerStatus & { readonly why: string };
  /** One that does not lead any more has sent documents, and a leaf has refused them. */
  refused: IndexerStatus & { readonly leaf: string; readonly documents: number; readonly why: string };
  /** So many documents are on leaves; on two leaves they are two. */
  progress: number;
}
