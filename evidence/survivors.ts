/** Mutants that no test can notice, for they change nothing that can be seen; and why. */
export const explained: readonly {
  readonly file: string;
  readonly line: number;
  /** As the mutation tester names it. */
  readonly mutator: string;
  readonly reason: string;
}[] = [
  {
    file: 'src/calls/attempt.ts',
    line: 102,
    mutator: 'ConditionalExpression',
    reason: 'the list is asked only whether it has a budget, and undefined is none',
  },
  {
    file: 'src/calls/attempt.ts',
    line: 102,
    mutator: 'ArrayDeclaration',
    reason: 'the list is asked only whether it has a budget, and a text is none',
  },
  {
    file: 'src/calls/budget.ts',
    line: 136,
    mutator: 'ConditionalExpression',
    reason: 'a count of 1, the usual, would pass the check: leaving it out saves time on each call',
  },
  {
    file: 'src/calls/percentile-guard.ts',
    line: 42,
    mutator: 'ConditionalExpression',
    reason: 'undefined, the usual, could be awaited like anything else: not to do so saves a promise on each call',
  },
];
