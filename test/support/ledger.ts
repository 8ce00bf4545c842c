/** Counts what the tests do. `HOLDFAST_LEDGER` names a file that gets a line for each; absent: nothing is counted. */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { expect } from 'vitest';

/** `runs` of a property that held; a process that was `killed` at its work. */
export type LedgerKind = 'runs' | 'killed';

/** A line of the ledger. */
export interface LedgerLine {
  readonly kind: LedgerKind;
  readonly count: number;
  /** The test file, from the root of the repository. */
  readonly test: string;
}

const file = process.env['HOLDFAST_LEDGER'];

/** Whether anybody counts. */
export const isCounted: boolean = file !== undefined;

/** Adds to the count of the test that runs. */
export function counted(kind: LedgerKind, count = 1): void {
  if (file === undefined) return;
  const test = relative(process.cwd(), expect.getState().testPath ?? '').replaceAll('\\', '/');
  const line: LedgerLine = { kind, count, test };
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}
