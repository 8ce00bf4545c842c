/** What may be said on the command line. */
export interface Options {
  /** How long a section may measure; undefined: as it is usual there. */
  readonly minutes: number | undefined;
  /** Which module is mutated. */
  readonly module: string | undefined;
  /** How often the suite is repeated. */
  readonly times: number;
  /** How many processes at a time. */
  readonly concurrency: number;
  /** Under how many seeds a variant is hunted that can be counted. */
  readonly seeds: number;
  /** Only what begins so: variants by id, files by path. */
  readonly only: string | undefined;
  /** Only the mutants that no test has noticed yet, where the code is still the same. */
  readonly again: boolean;
}

/** A part of the evidence: measured by itself, kept as JSON, and told in the document. */
export interface Section {
  readonly name: string;
  /** Measures, and keeps the result. */
  measure(options: Options): Promise<void>;
  /** What the document says of the result that is kept; undefined: nothing was measured. */
  tell(): string | undefined;
}
