import { isSimFailure, simulate } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { payments } from '../../examples/simulated-partition/scenario.ts';

test('the bank that remembers ids holds', async () => {
  const { sometimes } = await simulate(payments({ bankRemembers: true }), { runs: 40 });
  expect(Object.values(sometimes).every((seeds) => seeds > 10)).toBe(true);
});

test('the bank that forgets them is found out, with the seed that the README names', async () => {
  const failure: unknown = await simulate(payments({ bankRemembers: false })).catch((error: unknown) => error);
  expect(isSimFailure(failure) && failure).toMatchObject({ kind: 'always', seed: 3 });
});
