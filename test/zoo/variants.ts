/** The bug zoo: known-bad variants of the library's own code. */
import type { Variant } from './variant.ts';
import { balancing } from './variants/balancing.ts';
import { calls } from './variants/calls.ts';
import { core } from './variants/core.ts';
import { election } from './variants/election.ts';
import { flow } from './variants/flow.ts';
import { hashing } from './variants/hashing.ts';
import { journal } from './variants/journal.ts';
import { live } from './variants/live.ts';
import { queue } from './variants/queue.ts';
import { scatter } from './variants/scatter.ts';
import { sharding } from './variants/sharding.ts';

export const variants: readonly Variant[] = [
  ...core,
  ...hashing,
  ...sharding,
  ...calls,
  ...balancing,
  ...scatter,
  ...election,
  ...queue,
  ...journal,
  ...flow,
  ...live,
];
