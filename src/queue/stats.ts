/**
 * A snapshot of a {@link WorkQueue}: `accepted = waiting + delayed + leased + done + dead + cancelled`, at each moment, for a
 * queue that has its store to itself and has found it empty. `waiting` and `delayed` are those of the whole store; the others
 * are of this queue: a job that another one has added is accepted here when it is leased here. Of a store behind promises
 * `waiting` and `delayed` are as it said last, with what has been told since: they may be too high until it is asked again.
 */
export interface QueueStats {
  /** Jobs that this queue has accepted. */
  readonly accepted: number;
  /** Ready, and not started. */
  readonly waiting: number;
  /** Not ready yet: added for later, or to be tried again. */
  readonly delayed: number;
  /** A worker has them. */
  readonly leased: number;
  /** Done. */
  readonly done: number;
  /** Given up. */
  readonly dead: number;
  /** Taken back or dropped. */
  readonly cancelled: number;
  /** Workers there are. */
  readonly workers: number;
  /** Workers that are busy. */
  readonly active: number;
  /** Callers of `add` that wait for room. */
  readonly blocked: number;
  /** Attempts that have started. */
  readonly started: number;
  /** Attempts that were followed by another. */
  readonly retried: number;
  /** Workers that were lost. */
  readonly crashes: number;
  /** Whether the queue is paused. */
  readonly paused: boolean;
}

/** What a queue leaves behind when it closes: `accepted` is the sum of the five behind it. */
export interface CloseReport {
  /** Jobs that the queue has accepted, ever. */
  readonly accepted: number;
  /** Done. */
  readonly done: number;
  /** Given up. */
  readonly dead: number;
  /** Taken back or dropped. */
  readonly cancelled: number;
  /** Were under way at the end and were given back, their attempt not counted. */
  readonly released: number;
  /** Had not started: a store that lasts has them still, if no other queue has taken them. */
  readonly waiting: number;
  /** Functions that have not stopped when they were asked to, and may still run. */
  readonly abandoned: number;
}
