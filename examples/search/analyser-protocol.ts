/** What the analyser and its parent process say to each other, by messages. */
import type { QueueStats } from 'holdfast/queue';
import type { Document } from './documents.ts';

/** The argument of an analyser process, as JSON. */
export interface AnalyserSetup {
  /** Where its journal is, and what it has analysed. */
  readonly folder: string;
  /** For the show: it stands still when it has done so many documents. */
  readonly standStillAt?: number;
}

/** To the analyser; each is answered with `answered`. */
export type Task = { readonly number: number } &
  /** Documents to be analysed. Answered when they are in the journal: then they are the analyser's, whatever happens to it. */
  (
    | { readonly type: 'take'; readonly documents: readonly Document[] }
    /** Answered when all that it has taken is analysed. */
    | { readonly type: 'finish' }
  );

/** From the analyser. */
export type AnalyserReport =
  | { readonly type: 'answered'; readonly number: number }
  /** A document is analysed and kept. `again`: its analysis had been begun before, or was even kept. */
  | { readonly type: 'analysed'; readonly id: string; readonly again: boolean }
  /** A document could not be analysed, and is given up. */
  | { readonly type: 'failed'; readonly id: string; readonly why: string }
  /** The number of threads changes. */
  | { readonly type: 'scale'; readonly change: ThreadChange; readonly stats: QueueStats }
  /** It stands still from now on. */
  | { readonly type: 'stands' };

/** How many threads there were, how many there are to be, and why. */
export interface ThreadChange {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}
