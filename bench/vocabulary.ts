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
  readonly target: Target | undefined;
}

/** What a contestant should reach, in the median round. */
export interface Target {
  /** At most so many nanoseconds an operation. */
  readonly ns?: number;
  /** At most so many bytes allocated by an operation. */
  readonly bytes?: number;
  /** Bounds of `ours ÷ this`: how many times as fast as this one the first contestant should be. */
  readonly ratio?: { readonly atLeast?: number; readonly atMost?: number };
}

interface Details<R> {
  readonly answer?: (result: Awaited<R>) => unknown;
  readonly kind?: string;
  readonly before?: Around;
  readonly after?: Around;
  readonly target?: Target;
}

const nothing = (): void => undefined;

/** A {@link Contestant}, with what goes without saying filled in. */
export function contestant<R>(name: string, op: (i: number) => R, details: Details<R> = {}): Contestant {
  const {
    answer = (result: Awaited<R>): unknown => result,
    kind = '',
    before = nothing,
    after = nothing,
    target,
  } = details;
  return { name, op, answer: answer as (result: unknown) => unknown, kind, before, after, target };
}

/** One thing, done by each contestant. */
export interface Case {
  readonly name: string;
  /** Ours first: the ratios are to it. */
  readonly contestants: readonly Contestant[];
  /** How many different inputs to compare answers over. */
  readonly inputs?: number;
  /**
   * Operations in one turn of the event loop, for synchronous ones whose garbage waits for the end of the turn (`WeakRef`).
   * Absent: a whole sample is one turn.
   */
  readonly turn?: number;
  /** Of how many equal parts an operation is made, a run of so many jobs, say; all figures are those of a part. Absent: one. */
  readonly parts?: number;
  /** What the answers do not show. Throws when it does not hold. */
  readonly verify?: () => void | Promise<void>;
}

/** Memory that a thing takes as long as it lives. */
export interface Holding {
  readonly name: string;
  /** How many items more for each point of the slope, where the harness's choice is too many. */
  readonly items?: number;
  /** Of how many equal parts an item is made; the bytes are those of a part. Absent: one. */
  readonly parts?: number;
  readonly holders: readonly {
    readonly name: string;
    readonly make: (i: number) => unknown;
    readonly before?: Around;
    readonly after?: Around;
    /** At most so many bytes. */
    readonly target?: number;
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

/** Text that stands in the report and, word for word, in a document of the repository, between marks of its name. */
export interface Excerpt {
  readonly name: string;
  /** Markdown. */
  readonly text: string;
  /** Path of the document, from the root. */
  readonly document: string;
}

/** What a suite finds by itself. */
export interface Findings {
  readonly figures?: readonly Figure[];
  readonly excerpts?: readonly Excerpt[];
  /** Other files that are written with the report; paths from the root. */
  readonly files?: readonly { readonly path: string; readonly text: string }[];
}

export interface Suite {
  readonly title: string;
  /** What is compared and what a reader has to know, as Markdown. */
  readonly about: string;
  /** Names of the packages that take part; their versions go into the report. */
  readonly peers: readonly string[];
  /** A function for a case whose contestants hold so much that they should live no longer than it is measured. */
  readonly cases: readonly (Case | (() => Case))[];
  readonly holdings?: readonly Holding[];
  /** `scale` is 1, or less for a trial run. */
  readonly findings?: (scale: number) => Findings | Promise<Findings>;
}

/** What a file in suites/ exports as `suite`; called once, before anything is measured. */
export type MakeSuite = (subject: Subject) => Suite | Promise<Suite>;
