/** Queues of several processes in the simulator: what was accepted is done, whatever becomes of the processes. */
import { type CampaignOptions, simulate } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { firstSeed } from '../support/properties.ts';
import { type StormBooks, stormScenario } from './storm.ts';

const world: CampaignOptions = {
  runs: 30,
  seed: firstSeed,
  clocks: { maxDrift: 0.01, maxOffsetMs: 1e6 },
  epochMs: 1_700_000_000_000,
};

it('loses no job that was accepted, and ends none twice, under crashes, pauses and partitions', async () => {
  const books: StormBooks = { accepted: 0, lost: 0, twice: 0, attempts: 0 };
  const { runs } = await simulate(stormScenario(books), { ...world, twice: 0 });
  expect(runs).toBe(30);
  expect(books).toMatchObject({ lost: 0, twice: 0 });
  expect(books.accepted).toBeGreaterThan(30 * 100);
  expect(books.attempts).toBeGreaterThan(books.accepted);
});
