/** What is kept of the mutants of a file, and what changes in it when survivors are tried again. */

/** What came of the mutants of a file. */
export interface Tally {
  readonly killed: number;
  readonly timeout: number;
  readonly survived: number;
  readonly noCoverage: number;
  /** Left out by a comment that says why, or because they run once at import. */
  readonly ignored: number;
  /** Each that no test has noticed, in the words of `recordOf`. */
  readonly survivors: readonly string[];
}

/** A mutant, as the mutation tester reports it: lines and columns from 1. */
export interface Mutant {
  readonly status: string;
  /** The message of the first test that failed. */
  readonly statusReason?: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: Place; readonly end: Place };
}

interface Place {
  readonly line: number;
  readonly column: number;
}

const unnoticed: readonly string[] = ['Survived', 'NoCoverage'];
const noticed: readonly string[] = ['Killed', 'Timeout'];
const notReached = ' (not reached)';

export function tallyOf(mutants: readonly Mutant[]): Tally {
  const of = (wanted: string): number => mutants.filter((mutant) => statusOf(mutant) === wanted).length;
  return {
    killed: of('Killed'),
    timeout: of('Timeout'),
    survived: of('Survived'),
    noCoverage: of('NoCoverage'),
    ignored: of('Ignored'),
    survivors: mutants.filter(({ status }) => unnoticed.includes(status)).map(recordOf),
  };
}

/** A test that waits for ever fails in the end, and has noticed nothing but that it took too long. */
function statusOf({ status, statusReason = '' }: Mutant): string {
  return status === 'Killed' && /^(?:Test|Hook) timed out in /.test(statusReason) ? 'Timeout' : status;
}

/** `12:3-12:9 BooleanLiteral: false`: where from and to, the kind of change, and what was written instead. */
function recordOf({ status, mutatorName, replacement = '', location: { start, end } }: Mutant): string {
  const written = replacement.replaceAll(/\s+/g, ' ').slice(0, 60);
  const at = [start, end].map(({ line, column }) => `${String(line)}:${String(column)}`).join('-');
  return `${at} ${mutatorName}: ${written}${status === 'NoCoverage' ? notReached : ''}`;
}

export function lineOf(record: string): number {
  return parseInt(record, 10);
}

export function mutatorOf(record: string): string {
  return /^\S+ (\w+)/.exec(record)![1]!;
}

/**
 * Where the mutation tester is to look for a survivor; it takes all that lies within. Its ranges count columns from 0. An old
 * record has its first line only, and that is taken as a whole.
 */
export function rangeOf(record: string): string {
  const at = /^(\d+):(\d+)-(\d+):(\d+) /.exec(record);
  if (at === null) return `${String(lineOf(record))}-${String(lineOf(record))}`;
  const [line, column, endLine, endColumn] = at.slice(1).map(Number) as [number, number, number, number];
  return `${String(line)}:${String(column - 1)}-${String(endLine)}:${String(endColumn - 1)}`;
}

/**
 * The tally when `mutants` is what came of the survivors, and of whatever else was in their ranges: that is not counted again. A
 * survivor that was not found is one still.
 */
export function triedAgain(before: Tally, mutants: readonly Mutant[]): Tally {
  const moved = { Killed: 0, Timeout: 0 };
  const survivors: string[] = [];
  // Those that are unnoticed first: under an old record, whose place is vague, no mutant is noticed that was before.
  const found = mutants.toSorted((a, b) => Number(noticed.includes(a.status)) - Number(noticed.includes(b.status)));
  for (const record of before.survivors) {
    const i = found.findIndex((mutant) => isOf(record, mutant));
    const [mutant] = i < 0 ? [] : found.splice(i, 1);
    const status = mutant && statusOf(mutant);
    if (status === 'Killed' || status === 'Timeout') moved[status] += 1;
    else survivors.push(mutant !== undefined && unnoticed.includes(mutant.status) ? recordOf(mutant) : record);
  }
  const noCoverage = survivors.filter((record) => record.endsWith(notReached)).length;
  return {
    ...before,
    killed: before.killed + moved.Killed,
    timeout: before.timeout + moved.Timeout,
    survived: survivors.length - noCoverage,
    noCoverage,
    survivors,
  };
}

function isOf(record: string, mutant: Mutant): boolean {
  const own = withoutReach(recordOf(mutant));
  const text = withoutReach(record);
  return text === own || text === own.replace(/^(\d+)\S+/, '$1');
}

function withoutReach(record: string): string {
  return record.endsWith(notReached) ? record.slice(0, -notReached.length) : record;
}
