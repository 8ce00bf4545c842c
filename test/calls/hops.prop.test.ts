import fc from 'fast-check';
import { type Call, hedge, stack, withDeadline } from 'holdfast/calls';
import { Deadline, isDeadlineExceeded } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { finish, steady, watch } from '../support/serving.ts';

interface Message {
  readonly header: string;
}

/** The clock of another machine: its own origin, and a date that jumps with each look. */
class OtherMachine extends VirtualClock {
  readonly #base: VirtualClock;
  readonly #originMs: number;
  #looks = 0;

  constructor(base: VirtualClock, originMs: number) {
    super();
    this.#base = base;
    this.#originMs = originMs;
  }

  override now(): number {
    return this.#base.now() + this.#originMs;
  }

  override wallNow(): number {
    return (this.#looks++ % 2 === 0 ? 1 : -1) * 1e15;
  }

  override setTimer(ms: number, fn: () => void): { cancel(): void } {
    return this.#base.setTimer(ms, fn);
  }
}

it('a deadline shrinks at each hop by what the hop took, whatever the clocks of the machines say', async () => {
  const hops = fc.array(
    fc.record({ workMs: fc.integer({ min: 0, max: 40 }), originMs: fc.double({ min: -1e9, max: 1e9, noNaN: true }) }),
    { minLength: 1, maxLength: 6 },
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(hops, fc.integer({ min: 1, max: 150 }), async (chain, totalMs) => {
      const clock = new VirtualClock();
      const arrivals: { readonly leftMs: number; readonly atMs: number }[] = [];
      // Each machine reads the header, works, and calls the next with a header of its own.
      let next: Call<Message, string> = () => Promise.resolve('done');
      for (const { workMs, originMs } of [...chain].reverse()) {
        const runtime = steady(new OtherMachine(clock, originMs));
        const below = withDeadline(next, { write: (_, header) => ({ header }), minRemainingMs: 1, runtime });
        next = withDeadline(
          async (message, options) => {
            arrivals.push({ leftMs: (options!.deadline as Deadline).remaining(), atMs: clock.now() });
            await clock.sleep(workMs);
            return await below(message, options);
          },
          { read: ({ header }) => header, runtime },
        );
      }
      const settled = watch(next({ header: String(totalMs) }), clock);
      await clock.runUntilIdle();
      const { value, error, atMs: endMs } = settled()!;
      const outcome = value ?? error;
      const takesMs = chain.reduce((sum, { workMs }) => sum + workMs, 0);
      for (const { leftMs, atMs } of arrivals) {
        expect(leftMs).toBeLessThanOrEqual(totalMs - atMs + 1e-6);
        // Each hop rounds down, once.
        expect(leftMs).toBeGreaterThan(totalMs - atMs - arrivals.length - 1e-6);
      }
      if (takesMs > totalMs) expect(isDeadlineExceeded(outcome)).toBe(true);
      if (takesMs + chain.length + 1 < totalMs) expect(outcome).toBe('done');
      if (outcome !== 'done') refused++;
      expect(endMs).toBeLessThanOrEqual(totalMs + 1e-6);
    }),
    { numRuns: runs(3) },
  );
  expect(refused).toBeGreaterThan(10);
});

it('each hedge sends what is left when it is sent', async () => {
  const clock = new VirtualClock();
  const runtime = steady(clock);
  const sent: string[] = [];
  const call = stack(
    ({ header }: Message) => {
      sent.push(header);
      return new Promise<never>(() => undefined);
    },
    (next) => withDeadline(next, { write: (_, header) => ({ header }), runtime }),
    (next) => hedge(next, { after: 30, extra: 3, runtime }),
  );
  await finish(clock, call({ header: '' }, { deadline: 100 })).catch(isDeadlineExceeded);
  expect(sent).toEqual(['100', '70', '40', '10']);
});
