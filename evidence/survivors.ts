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
    line: 42,
    mutator: 'ConditionalExpression',
    reason:
      'nobody asks whether there is an outer attempt, only what it says, and this one says nothing: leaving it out saves an object',
  },
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
  {
    file: 'src/calls/race.ts',
    line: 32,
    mutator: 'ArrayDeclaration',
    reason: 'its first place is that of the first attempt, which has failed before anybody reads it',
  },
  {
    file: 'src/calls/race.ts',
    line: 62,
    mutator: 'ConditionalExpression',
    reason: 'when it began is asked for a percentile only: not to look otherwise saves time on each call',
  },
  {
    file: 'src/calls/race.ts',
    line: 155,
    mutator: 'ConditionalExpression',
    reason: 'where nobody is left nobody is called off: leaving it out saves an error on each call',
  },
  {
    file: 'src/calls/race.ts',
    line: 155,
    mutator: 'EqualityOperator',
    reason: 'where nobody is left nobody is called off: leaving it out saves an error on each call',
  },
  {
    file: 'src/calls/race.ts',
    line: 216,
    mutator: 'ConditionalExpression',
    reason: 'what is left until before all time is less than 0 too: not to look at the clock saves time',
  },
  {
    file: 'src/calls/retry-policy.ts',
    line: 100,
    mutator: 'ConditionalExpression',
    reason: 'undefined is not less than 0: the comparison is there for the types',
  },
  {
    file: 'src/calls/retry-policy.ts',
    line: 143,
    mutator: 'ConditionalExpression',
    reason: 'null has no properties, which throws, which is caught',
  },
  {
    file: 'src/calls/retry-policy.ts',
    line: 144,
    mutator: 'BlockStatement',
    reason: 'a function that ends has returned undefined',
  },
  {
    file: 'src/calls/split-traffic.ts',
    line: 113,
    mutator: 'ConditionalExpression',
    reason: 'a text has no arm, which is undefined',
  },
  {
    file: 'src/calls/survival.ts',
    line: 20,
    mutator: 'EqualityOperator',
    reason: 'the logarithm of one is the first bucket too',
  },
  {
    file: 'src/calls/survival.ts',
    line: 52,
    mutator: 'EqualityOperator',
    reason: 'behind the last bucket is none: what is not there is no answer',
  },
  {
    file: 'src/calls/survival.ts',
    line: 59,
    mutator: 'ConditionalExpression',
    reason: 'where nobody answers the curve stays as it is: leaving it out saves time',
  },
  {
    file: 'src/calls/survival.ts',
    line: 59,
    mutator: 'EqualityOperator',
    reason: 'where nobody answers the curve stays as it is: leaving it out saves time',
  },
  {
    file: 'src/hashing/get-many.ts',
    line: 15,
    mutator: 'ConditionalExpression',
    reason: 'to read options where there are none comes to the same: leaving it out saves time on each call',
  },
  {
    file: 'src/hashing/hash-ring.ts',
    line: 163,
    mutator: 'ArrayDeclaration',
    reason: 'the ring of whatever is built here is replaced by the changed one',
  },
  {
    file: 'src/hashing/jump-hash.ts',
    line: 54,
    mutator: 'ConditionalExpression',
    reason: 'to read options where there are none comes to the same: leaving it out saves time on each call',
  },
  {
    file: 'src/hashing/maglev-table.ts',
    line: 22,
    mutator: 'EqualityOperator',
    reason: 'of equal shares either is the greatest',
  },
  {
    file: 'src/hashing/maglev-table.ts',
    line: 29,
    mutator: 'ArrayDeclaration',
    reason: 'the heaviest has a place to take in each turn, so each turn has its list',
  },
  {
    file: 'src/hashing/maglev-table.ts',
    line: 35,
    mutator: 'ArithmeticOperator',
    reason: 'a turn that is left out, or not, is one that the table is full before',
  },
  {
    file: 'src/hashing/maglev-table.ts',
    line: 35,
    mutator: 'EqualityOperator',
    reason: 'a turn that is left out, or not, is one that the table is full before',
  },
  {
    file: 'src/hashing/maglev-table.ts',
    line: 55,
    mutator: 'ArithmeticOperator',
    reason: 'where the search begins: from anywhere it comes to the same turn, only later',
  },
  {
    file: 'src/hashing/maglev-table.ts',
    line: 56,
    mutator: 'ArithmeticOperator',
    reason: 'where the search begins: from anywhere it comes to the same turn, only later',
  },
  {
    file: 'src/hashing/maglev-table.ts',
    line: 56,
    mutator: 'ConditionalExpression',
    reason: 'where the search begins: from anywhere it comes to the same turn, only later',
  },
  {
    file: 'src/hashing/maglev.ts',
    line: 138,
    mutator: 'ConditionalExpression',
    reason: '-1, which is nobody, has no place in an array of counts: it is counted nowhere',
  },
  {
    file: 'src/hashing/migration-batches.ts',
    line: 18,
    mutator: 'ArrayDeclaration',
    reason: 'the load of nobody is thrown away, and a text in it is no number that could be too great',
  },
  {
    file: 'src/hashing/migration-batches.ts',
    line: 25,
    mutator: 'MethodExpression',
    reason: 'where the search begins: from an earlier batch it comes to the same one, only later',
  },
  {
    file: 'src/hashing/migration-batches.ts',
    line: 30,
    mutator: 'ConditionalExpression',
    reason: 'where the search begins: from an earlier batch it comes to the same one, only later',
  },
  {
    file: 'src/hashing/migration-batches.ts',
    line: 30,
    mutator: 'EqualityOperator',
    reason: 'where the search begins: from an earlier batch it comes to the same one, only later',
  },
  {
    file: 'src/hashing/migration-batches.ts',
    line: 30,
    mutator: 'LogicalOperator',
    reason: 'where the search begins: from an earlier batch it comes to the same one, only later',
  },
  {
    file: 'src/hashing/md5.ts',
    line: 117,
    mutator: 'EqualityOperator',
    reason: 'behind the last byte there is none, which shifted is 0 and changes no word',
  },
  {
    file: 'src/hashing/migration-moves.ts',
    line: 36,
    mutator: 'EqualityOperator',
    reason: 'behind the last place is nobody, before and after, and no further place',
  },
  {
    file: 'src/hashing/ring-compat.ts',
    line: 21,
    mutator: 'ObjectLiteral',
    reason: 'the hasher that is named is the usual one',
  },
  {
    file: 'src/hashing/ring-compat.ts',
    line: 25,
    mutator: 'EqualityOperator',
    reason: 'of equal shares either is the least',
  },
  {
    file: 'src/balancing/choice.ts',
    line: 33,
    mutator: 'EqualityOperator',
    reason: 'who looks at as many as there are looks at all, in whatever order: equals are drawn by chance',
  },
  {
    file: 'src/balancing/choice.ts',
    line: 51,
    mutator: 'EqualityOperator',
    reason: 'it decides for one number of all that chance may say',
  },
  {
    file: 'src/hashing/maglev.ts',
    line: 186,
    mutator: 'EqualityOperator',
    reason: 'the size of a table is a prime, and no multiple of 100',
  },
  {
    file: 'src/hashing/md5.ts',
    line: 120,
    mutator: 'ArithmeticOperator',
    reason: 'the upper half of the length is 0 for a key of less than half a gigabyte',
  },
  {
    file: 'src/hashing/membership.ts',
    line: 32,
    mutator: 'EqualityOperator',
    reason: 'no two ids are equal',
  },
];
