import { expect, test } from 'vitest';
import { limitMs, runExample } from './run-example.ts';

test(
  'users stay where they are while the experiment grows, and none sees the shadow',
  async () => {
    const printed = await runExample('experiment-ambassador');
    // Assignment is a function of user, weights and name: the same in each run.
    expect(printed).toMatch(/^weights 90 to 10: 68 of 800 users are in the experiment, 8\.5 %$/m);
    expect(printed).toMatch(/^weights 50 to 50: 385 are, 48\.1 %$/m);
    expect(printed).toMatch(/^ok {5}0 users left the experiment when it grew$/m);
    expect(printed).toMatch(/^ok {5}0 users saw any of them$/m);
  },
  limitMs,
);
