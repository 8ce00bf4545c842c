import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { numRuns, seed } from './properties.ts';

fc.configureGlobal({
  seed,
  numRuns,
  verbose: fc.VerbosityLevel.Verbose,
  // Whether a variant of the code is found is asked, and after how many runs: not the shortest example.
  endOnFailure: process.env['HOLDFAST_VARIANT'] !== undefined,
});

// Tests of leaks call `gc()`. Set here and not by --expose-gc, which a worker thread (of the mutation run) refuses.
setFlagsFromString('--expose-gc');
globalThis.gc ??= runInNewContext('gc') as NodeJS.GCFunction;
