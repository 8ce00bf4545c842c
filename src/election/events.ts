import type { LeaderInfo } from './leader-info.ts';
import type { Phase, Reason } from './standing.ts';
import type { Term } from './term.ts';

/** Events of an {@link Election}. */
export interface ElectionEvents<Meta = unknown> {
  /** The candidate stands elsewhere. */
  readonly transition: { readonly from: Phase; readonly to: Phase; readonly reason: Reason };
  /** The candidate leads. */
  readonly elected: { readonly term: Term<Meta> };
  /** The lease was renewed. */
  readonly renewed: { readonly term: Term<Meta> };
  /** A term is over and was not given back. */
  readonly lost: { readonly term: Term<Meta>; readonly reason: Reason };
  /** The candidate has seen who leads; null: nobody. Only while it stands for election, and only changes. */
  readonly leader: LeaderInfo<Meta> | null;
}
