/*
 * What a suite says and the harness measures.
 */
import type { Subject } from './subject.ts';

/** Sets up, or clears away. */
type Around = () => void | Promise<void>;

/** One way of doing a thing. */
export interface Contestant {
  readonly name: string;
  /** One operation; `i` counts up: take the i-th input, modulo their number. A promise is awaited before the next. */
  readonly op: (i: number) => unknown;
  /** The result in the form in which it is compared with the others'. Called at once, not timed. */
  readonly answer: (result: unknown) => unknown;
  /** Only contestants of one kind must give the same answers: XXH64 and MD5 of a key differ. */
  readonly kind: string;
  /** Around each sample, not timed. */
  readonly before: Around;
  readonly after: Around;
}

interface Details<R> {
  readonly answer?: (result: Awaited<R>) => unknown;
  readonly kind?: string;
  readonly before?: Around;
  readonly after?: Around;
}

const nothing = (): void => undefined;

/** A {@link Contestant}, with what goes without saying filled in. */
export function contestant<R>(name: string, op: (i: number) => R, details: Details<R> = {}): Contestant {
  const { answer = (result: Awaited<R>): unknown => result, kind = '', before = nothing, after = nothing } = details;
  return { name, op, answer: answer as (result: unknown) => unknown, kind, before, after };
}

/** What the first contestant of a case should reach. */
export interface Target {
  /** At most so many nanoseconds an operation, in the median round. */
  readonly ns?: number;
  /** At most so many bytes allocated by an operation. */
  readonly bytes?: number;
}

/** One thing, done by each contestant. */
export interface Case {
  readonly name: string;
  /** Ours first: the ratios are to it. */
  readonly contestants: readonly Contestant[];
  readonly target?: Target;
  /** How many different inputs to compare answers over. */
  readonly inputs?: number;
  /**
   * Operations in one turn of the event loop, for synchronous ones whose garbage waits for the end of the turn (`WeakRef`).
   * Absent: a whole sample is one turn.
   */
  readonly turn?: number;
  /** What the answers do not show. Throws when it does not hold. */
  readonly verify?: () => void | Promise<void>;
}

/** Memory that a thing takes as long as it lives. */
export interface Holding {
  readonly name: string;
  readonly holders: readonly {
    readonly name: string;
    readonly make: (i: number) => unknown;
    readonly before?: Around;
    readonly after?: Around;
  }[];
}

/** A measurement of another form than operations per second. */
export interface Figure {
  readonly name: string;
  readonly contestant: string;
  readonly value: string;
  readonly target?: string;
  readonly met?: boolean;
}

export interface Suite {
  readonly title: string;
  /** What is compared and what a reader has to know, as Markdown. */
  readonly about: string;
  /** Names of the packages that take part; their versions go into the report. */
  readonly peers: readonly string[];
  readonly cases: readonly Case[];
  readonly holdings?: readonly Holding[];
  /** `scale` is 1, or less for a trial run. */
  readonly figures?: (scale: number) => Promise<readonly Figure[]>;
}

/** What a file in suites/ exports as `suite`; called once, before anything is measured. */
export type MakeSuite = (subject: Subject) => Suite | Promise<Suite>;
