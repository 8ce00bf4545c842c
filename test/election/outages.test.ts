/* How long a store may be out of order before it costs the leader its term: the figures of the guide. */

import { describe, expect, it } from 'vitest';
import { hang, make, untilStopped } from './support/electorate.ts';

type Manner = 'silent' | 'refuses';

/** Whether a leader with the default lengths is in office still after an outage that began so long after its election. */
async function outlives(manner: Manner, fromMs: number, forMs: number, seed: number): Promise<boolean> {
  const { clock, candidate, seenAs, closeAll, memory } = make(seed);
  let out = false;
  const faulty = <T>(call: () => Promise<T>): Promise<T> =>
    !out ? call() : manner === 'silent' ? hang() : Promise.reject(new Error('refused'));
  const store = seenAs({
    acquire: (...args) => faulty(() => memory.acquire(...args)),
    renew: (...args) => faulty(() => memory.renew(...args)),
    read: (...args) => faulty(() => memory.read(...args)),
  });
  const election = candidate('a', { ttlMs: 10_000 }, store);
  let lost = false;
  election.on('lost', () => (lost = true));
  void election.run(untilStopped);
  await clock.advance(fromMs);
  out = true;
  await clock.advance(forMs);
  out = false;
  await clock.advance(10_000);
  await closeAll();
  return !lost;
}

/** Of outages that begin at all times of a renewal, how many a leader outlives. */
async function outlived(manner: Manner, forMs: number): Promise<number> {
  let count = 0;
  for (let i = 0; i < outages; i++) if (await outlives(manner, 4_000 + i * 75, forMs, i + 1)) count++;
  return count;
}

const outages = 60;
const h = 0.98 * 10_000 - 500;
const latestMs = (1.1 * 10_000) / 3;

describe('a store with the default lengths', () => {
  it.each<[Manner, string, number]>([
    ['silent', 'H - 1.1 × renewMs - requestMs', h - latestMs - 2_500],
    ['refuses', 'H - 1.1 × renewMs less a second', h - latestMs - 1_000],
  ])('that %s for %s costs no term, whenever it begins', async (manner, _, forMs) => {
    expect(Math.round(forMs / 100) / 10).toBe(manner === 'silent' ? 3.1 : 4.6);
    expect(await outlived(manner, forMs)).toBe(outages);
  });

  it.each<Manner>(['silent', 'refuses'])(
    'that %s for two seconds more may cost it, and for a whole lease does',
    async (manner) => {
      expect(await outlived(manner, h - latestMs + 1_000)).toBeLessThan(outages);
      expect(await outlived(manner, 10_000)).toBe(0);
    },
  );
});

describe('a renewal that took too long', () => {
  it('is tried again at once, and one that was refused after a pause', async () => {
    for (const manner of ['silent', 'refuses'] as const) {
      const { clock, candidate, seenAs, closeAll } = make();
      const sentMs: number[] = [];
      const renew = (): Promise<never> => {
        sentMs.push(clock.now());
        return manner === 'silent' ? hang() : Promise.reject(new Error('refused'));
      };
      const election = candidate('a', { ttlMs: 10_000 }, seenAs({ renew }));
      void election.run(untilStopped);
      await clock.advance(9_000);
      const pauses = sentMs.slice(1).map((ms, i) => Math.round(ms - sentMs[i]!));
      expect(pauses.length).toBeGreaterThan(1);
      for (const pause of pauses) {
        expect(pause).toBeGreaterThanOrEqual(manner === 'silent' ? 2_500 : 500);
        expect(pause).toBeLessThanOrEqual(manner === 'silent' ? 2_500 : 1_000);
      }
      await closeAll();
    }
  });
});
