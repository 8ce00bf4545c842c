import type { LeaderInfo } from './leader-info.ts';
import type { Phase, Reason } from './standing.ts';
import type { Term } from './term.ts';

/** The candidate stands elsewhere. */
export interface ElectionTransition {
  /** Where it stood. */
  readonly from: Phase;
  /** Where it stands. */
  readonly to: Phase;
  /** Why. */
  readonly reason: Reason;
}

/** Something has happened to a term. */
export interface TermEvent<Meta = unknown> {
  /** The term. */
  readonly term: Term<Meta>;
}

/** A term is over. */
export interface TermLost<Meta = unknown> extends TermEvent<Meta> {
  /** Why. */
  readonly reason: Reason;
}

/** Events of an {@link Election}. */
export interface ElectionEvents<Meta = unknown> {
  /** The candidate stands elsewhere. */
  readonly transition: ElectionTransition;
  /** The candidate leads. */
  readonly elected: TermEvent<Meta>;
  /** The lease was renewed. */
  readonly renewed: TermEvent<Meta>;
  /** A term is over and was not given back. */
  readonly lost: TermLost<Meta>;
  /** The candidate has seen who leads; null: nobody. Only while it stands for election, and only changes. */
  readonly leader: LeaderInfo<Meta> | null;
}
