/** Mutants that no test can notice, for they change nothing that can be seen; and why. */
export const explained: readonly {
  readonly file: string;
  readonly line: number;
  /** As the mutation tester names it. */
  readonly mutator: string;
  readonly reason: string;
}[] = [];
