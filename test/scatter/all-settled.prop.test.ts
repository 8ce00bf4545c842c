import fc from 'fast-check';
import { type Outcome, scatterGather } from 'holdfast/scatter';
import { VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { finish, steady } from '../support/serving.ts';

/** Even delays and an odd deadline: nothing happens at the instant of the deadline. */
const leaves = fc.array(
  fc.record({
    afterMs: fc.option(
      fc.integer({ min: 0, max: 20 }).map((n) => 2 * n),
      { nil: Infinity },
    ),
    ok: fc.boolean(),
  }),
  { maxLength: 12, size: 'medium' },
);
const deadlines = fc.integer({ min: 0, max: 25 }).map((n) => 2 * n + 1);

it(
  'without hedging, waiting for all that comes in time is Promise.allSettled with a deadline',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(leaves, deadlines, async (scripts, deadline) => {
        const leaf = async (clock: VirtualClock, index: number): Promise<string> => {
          await clock.sleep(scripts[index]!.afterMs);
          if (scripts[index]!.ok) return `answer ${String(index)}`;
          throw new Error(`failure ${String(index)}`);
        };

        const clock = new VirtualClock();
        const gathering = scatterGather(scripts.keys(), (index) => leaf(clock, index), {
          deadline,
          require: 0,
          straggler: 1,
          runtime: steady(clock),
        });
        const { outcomes, values } = await finish(clock, gathering);

        const other = new VirtualClock();
        const late = new Error('late');
        const expected = await finish(
          other,
          Promise.allSettled(
            scripts.map((_, index) =>
              Promise.race([leaf(other, index), other.sleep(deadline).then(() => Promise.reject(late))]),
            ),
          ),
        );

        expect(outcomes.map(asSettled)).toEqual(
          expected.map((result) => (result.status === 'rejected' && result.reason === late ? 'late' : result)),
        );
        expect(values).toEqual(expected.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
      }),
    );
  },
);

function asSettled({ status, value, error }: Outcome<number, string>): PromiseSettledResult<string> | string {
  if (status === 'ok') return { status: 'fulfilled', value: value! };
  return status === 'failed' ? { status: 'rejected', reason: error } : status;
}
