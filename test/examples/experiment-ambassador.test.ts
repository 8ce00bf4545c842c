import { expect, test } from 'vitest';
import { limitMs, runExample } from './run-example.ts';

test(
  'users stay where they are while the experiment grows, and none sees the shadow',
  async () => {
    const printed = await runExample('experiment-ambassador');
    // Assignment is a function of user, weights and name: the same in each run.
    expect(printed).toMatch(/^weights 90 to 10: 41 of 500 users are in the experiment, 8\.2 %$/m);
    expect(printed).toMatch(/^weights 50 to 50: 235 are, 47\.0 %$/m);
    expect(printed).toMatch(/^ok {5}0 users left the experiment when it grew$/m);
    expect(printed).toMatch(/^ok {5}0 users saw any of them$/m);
  },
  limitMs,
);
