import { describe, expect, it } from 'vitest';
import { lineOf, type Mutant, mutatorOf, rangeOf, tallyOf, triedAgain } from '../../evidence/mutants.ts';

/** On one line, of ten columns. */
function mutant(status: string, line: number, column: number, replacement = 'false'): Mutant {
  const location = { start: { line, column }, end: { line, column: column + 10 } };
  return { status, mutatorName: 'BooleanLiteral', replacement, location };
}

const before = tallyOf([
  mutant('Killed', 1, 1),
  mutant('Timeout', 2, 1),
  mutant('Survived', 3, 5),
  mutant('Survived', 3, 20),
  mutant('NoCoverage', 4, 1),
  mutant('Ignored', 5, 1),
]);

function total({ killed, timeout, survived, noCoverage }: typeof before): number {
  return killed + timeout + survived + noCoverage;
}

describe('the mutants of a file', () => {
  it('are counted, and those that no test has noticed named with their place', () => {
    expect(before).toEqual({
      killed: 1,
      timeout: 1,
      survived: 2,
      noCoverage: 1,
      ignored: 1,
      survivors: [
        '3:5-3:15 BooleanLiteral: false',
        '3:20-3:30 BooleanLiteral: false',
        '4:1-4:11 BooleanLiteral: false (not reached)',
      ],
    });
    expect(before.survivors.map((record) => [lineOf(record), mutatorOf(record)])).toEqual([
      [3, 'BooleanLiteral'],
      [3, 'BooleanLiteral'],
      [4, 'BooleanLiteral'],
    ]);
  });

  it('are looked for again in their places, with columns from 0; or in their line, where no more is known', () => {
    expect(before.survivors.map(rangeOf)).toEqual(['3:4-3:14', '3:19-3:29', '4:0-4:10']);
    expect(rangeOf('27 BooleanLiteral: false')).toBe('27-27');
  });

  it('are moved when a test notices them now; what else was within their ranges is not counted again', () => {
    const after = triedAgain(before, [
      mutant('Killed', 3, 5),
      mutant('Killed', 3, 5, 'true'),
      mutant('Killed', 3, 20),
      mutant('Survived', 4, 1),
    ]);
    expect(after).toEqual({
      ...before,
      killed: 3,
      survived: 1,
      noCoverage: 0,
      survivors: ['4:1-4:11 BooleanLiteral: false'],
    });
    expect(total(after)).toBe(total(before));
    expect(triedAgain(before, [mutant('Timeout', 3, 20)])).toEqual({
      ...before,
      timeout: 2,
      survived: 1,
      survivors: [before.survivors[0], before.survivors[2]],
    });
  });

  it('are survivors still when they were not found, or did not run', () => {
    expect(triedAgain(before, [])).toEqual(before);
    expect(triedAgain(before, [mutant('RuntimeError', 3, 5)])).toEqual(before);
  });

  it('count under an old record, which has a line only, as noticed when all of its kind in the line are', () => {
    const old = { ...before, survived: 1, noCoverage: 0, survivors: ['3 BooleanLiteral: false'] };
    expect(triedAgain(old, [mutant('Killed', 3, 5), mutant('Survived', 3, 20)])).toEqual({
      ...old,
      survivors: ['3:20-3:30 BooleanLiteral: false'],
    });
    expect(triedAgain(old, [mutant('Killed', 3, 5), mutant('Killed', 3, 20)])).toEqual({
      ...old,
      killed: 2,
      survived: 0,
      survivors: [],
    });
  });
});
