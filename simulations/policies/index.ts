import { leastRequest } from 'holdfast/balancing';
import { holdfast } from './holdfast.ts';
import { p2cLeastLoaded } from './p2c-least-loaded.ts';
import { p2cPeakEwma } from './p2c-peak-ewma.ts';
import { palantir } from './palantir.ts';
import type { MakePolicy } from './policy.ts';
import { roundRobin } from './round-robin.ts';

/** The library with its defaults. */
export const ours = 'holdfast';

/** The columns of a comparison of balancers. */
export const policies: Readonly<Record<string, MakePolicy>> = {
  'round robin': roundRobin,
  'p2c least loaded': p2cLeastLoaded,
  'p2c peak EWMA': p2cPeakEwma,
  'palantir score': palantir(),
  [ours]: holdfast(),
};

/** The library, told to do what theory is about. */
export const twoChoices: MakePolicy = holdfast({ cost: leastRequest(), choices: 2, probation: false });
