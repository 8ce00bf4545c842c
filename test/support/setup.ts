import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { counted, isCounted } from './ledger.ts';
import { isHasty, numRuns, seed } from './properties.ts';

/** What fast-check does by itself, and counts. */
function report(run: fc.RunDetails<unknown>): void {
  counted('runs', run.numRuns);
  if (run.failed) throw new Error(fc.defaultReportMessage(run), { cause: run.errorInstance });
}

fc.configureGlobal({
  seed,
  numRuns,
  verbose: fc.VerbosityLevel.Verbose,
  // Whether a variant of the code, or a mutant, is found is asked, and after how many runs: not the shortest example.
  endOnFailure: isHasty || process.env['HOLDFAST_VARIANT'] !== undefined,
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- a plugin cannot be given for all properties at once
  ...(isCounted && { reporter: report }),
});

// Tests of leaks call `gc()`. Set here and not by --expose-gc, which a worker thread (of the mutation run) refuses.
setFlagsFromString('--expose-gc');
globalThis.gc ??= runInNewContext('gc') as NodeJS.GCFunction;
