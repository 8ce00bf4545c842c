import { type MakePolicy, policyOf } from './policy.ts';

/** One after the other; each client begins somewhere. */
export const roundRobin: MakePolicy = policyOf((count, { random }) => {
  let next = Math.floor(random() * count);
  return { pick: () => next++ % count };
});
