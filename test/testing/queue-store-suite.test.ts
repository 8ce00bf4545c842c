/** The suite itself: that it passes what is sound, and that each fault is found. */
import { queueStoreSuite, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, it } from 'vitest';
import { MemoryQueueStore } from '../../src/queue/index.ts';

describe('MemoryQueueStore', () => {
  const clock = new VirtualClock();
  const runtime = { clock, random: seededRandom(1) };
  queueStoreSuite(
    () => new MemoryQueueStore({ runtime }),
    { describe, it },
    { waitMs: (ms) => clock.advance(ms), sequences: 300, steps: 80 },
  );
});
