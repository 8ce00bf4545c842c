/** How far `map` reads ahead of who reads it: what waits for the reader counts as under way. */
import fc from 'fast-check';
import { map } from 'holdfast/flow';
import { VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { runs, seed } from '../support/properties.ts';
import { source } from './support.ts';

it('has no more values in hand than it works on at a time, however slow the reader', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      fc.array(fc.record({ workMs: fc.nat(9), pauseMs: fc.nat(20) }), { minLength: 1, maxLength: 15 }),
      async (concurrency, ordered, steps) => {
        const clock = new VirtualClock();
        const of = source(steps.length);
        let [given, most] = [0, 0];
        const inHand = (): void => {
          most = Math.max(most, of.read - given);
        };
        const work = async (n: number): Promise<number> => {
          inHand();
          await clock.sleep(steps[n]!.workMs);
          return n;
        };
        const reading = (async () => {
          for await (const delivery of map(of.flow, work, { concurrency, ordered })) {
            given++;
            await clock.sleep(steps[given - 1]!.pauseMs);
            inHand();
            await delivery.ack();
          }
        })();
        await clock.runUntilIdle();
        await reading;
        expect(given).toBe(steps.length);
        expect(most).toBeLessThanOrEqual(concurrency);
      },
    ),
    { seed, numRuns: runs(5) },
  );
});
