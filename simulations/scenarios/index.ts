import type { Scenario } from '../scenario.ts';
import { failingServer } from './failing-server.ts';
import { fanOut } from './fan-out.ts';
import { herd } from './herd.ts';
import { overload } from './overload.ts';
import { recovery } from './recovery.ts';
import { slowServer } from './slow-server.ts';
import { supermarket } from './supermarket.ts';
import { twoOfFourSlow } from './two-of-four-slow.ts';
import { unequalPool } from './unequal-pool.ts';

/** In the order of the report. */
export const scenarios: readonly Scenario[] = [
  slowServer,
  unequalPool,
  twoOfFourSlow,
  supermarket,
  ...failingServer,
  recovery,
  herd,
  fanOut,
  overload,
];
