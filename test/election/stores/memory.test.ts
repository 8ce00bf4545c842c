import { MemoryLeaseStore } from 'holdfast/election';
import { leaseStoreSuite, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, it } from 'vitest';

describe('MemoryLeaseStore', () => {
  const clock = new VirtualClock();
  const store = new MemoryLeaseStore({ runtime: { clock, random: seededRandom(1) } });
  leaseStoreSuite(() => store, { describe, it }, { waitMs: (ms) => clock.advance(ms) });
});
