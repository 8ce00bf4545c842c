import fc from 'fast-check';
import { type Cost, leastRequest, LoadBalancer, type LoadBalancerOptions } from 'holdfast/balancing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { Ramp } from '../../src/balancing/slow-start.ts';
import { runs } from '../support/properties.ts';

const windowMs = 10_000;

/** Calls one after the other, 100 a second, so that everybody is idle at each choice. */
async function shares(
  clock: VirtualClock,
  pool: LoadBalancer<string>,
  calls: number,
): Promise<ReadonlyMap<string, number>> {
  const taken = new Map<string, number>();
  for (let i = 0; i < calls; i++) {
    const lease = pool.pick();
    lease.release();
    taken.set(lease.member, (taken.get(lease.member) ?? 0) + 1);
    await clock.advance(10);
  }
  return new Map([...taken].map(([id, times]) => [id, times / calls]));
}

function make(options: LoadBalancerOptions<string> = {}) {
  const clock = new VirtualClock();
  const pool = new LoadBalancer(['a', 'b', 'c'], {
    cost: leastRequest(),
    slowStart: { windowMs },
    runtime: { clock, random: seededRandom(5) },
    ...options,
  });
  return { clock, pool };
}

it('the first members start at once: there is nobody to be compared with', async () => {
  const { clock, pool } = make();
  const taken = await shares(clock, pool, 300);
  for (const id of ['a', 'b', 'c']) expect(taken.get(id)).toBeGreaterThan(0.25);
});

it('a new member’s share grows from the floor to its fair share', async () => {
  const { clock, pool } = make();
  await shares(clock, pool, 100);
  pool.update(['a', 'b', 'c', 'new']);
  expect(pool.stats().members.map(({ part }) => part)).toEqual([1, 1, 1, 0.1]);
  const quarters: number[] = [];
  for (let i = 0; i < 5; i++) quarters.push((await shares(clock, pool, 250)).get('new') ?? 0);
  expect(quarters[0]).toBeLessThan(0.1);
  for (let i = 0; i < 4; i++) expect(quarters[i]).toBeLessThan(quarters[i + 1]! + 0.03);
  expect(quarters[4]).toBeGreaterThan(0.2);
  expect(pool.stats().members[3]!.part).toBe(1);
});

it('never more than the part of a fair share that is due, whatever the cost says; and all is taken when the cost wants it', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.array(fc.tuple(fc.nat({ max: 200 }), fc.boolean()), { maxLength: 300, size: 'max' }),
      (floor, share, calls) => {
        const ramp = new Ramp({ windowMs, floor }, 0, 0);
        let [now, due, taken, refused] = [0, 0, 0, 0];
        for (const [choices, [waitMs, wanted]] of calls.entries()) {
          now += waitMs;
          if (ramp.part(now) === 1) return;
          const part = floor + ((1 - floor) * now) / windowMs;
          expect(ramp.part(now)).toBeCloseTo(part, 9);
          // What was not wanted is made up for by a few calls only.
          due = Math.min(due + share * part, taken + 4);
          if (!ramp.mayTake(now, choices + 1, share)) {
            refused++;
            expect(due - taken).toBeLessThan(1 + 1e-6);
          } else if (wanted) {
            ramp.take();
            taken++;
          }
          expect(taken).toBeLessThanOrEqual(due + 1e-9);
        }
        expect(refused + taken).toBeLessThanOrEqual(calls.length);
      },
    ),
    { numRuns: runs(10) },
  );
});

/** What makes the new member wanted always, so that nothing but its slow start holds it back. */
const newFirst: Cost = () => (member) => ({ cost: () => (member.id === 'new' ? 0 : 1) });

it('is over after its time: with the first call then nothing is held back any more', async () => {
  const { clock, pool } = make({ cost: newFirst, probation: false });
  pool.update(['a', 'b', 'c', 'new']);
  await clock.advance(2 * windowMs);
  expect(pool.stats().members[3]!.part).toBe(1);
  for (let i = 0; i < 20; i++) expect(pool.pick().member).toBe('new');
});

it.each([
  [1, 1, 1 / 2],
  [1, 9, 9 / 10],
  [0, 0, 1 / 2],
])('the fair share of which it is a part is by weight: of %i and %i, %d', (weight, ofNew, share) => {
  const members = [
    { id: 'old', weight },
    { id: 'new', weight: ofNew },
  ];
  const runtime = { clock: new VirtualClock(), random: seededRandom(5) };
  const slowStart = { windowMs: 1e9, floor: 0.5 };
  const pool = new LoadBalancer(members.slice(0, 1), { cost: newFirst, probation: false, slowStart, runtime });
  pool.update(members);
  for (let i = 0; i < 1_000; i++) pool.pick();
  const taken = pool.stats().members[1]!.pending;
  expect(Math.abs(taken - 1_000 * share * 0.5)).toBeLessThanOrEqual(1);
});

it('a call may be taken as soon as a whole one is due', () => {
  const ramp = new Ramp({ windowMs, floor: 0.5 }, 0, 0);
  const may = [1, 2].map((choices) => ramp.mayTake(0, choices, 1));
  ramp.take();
  expect([...may, ...[3, 4].map((choices) => ramp.mayTake(0, choices, 1))]).toEqual([false, true, false, true]);
});

it('a restored member starts slowly too', async () => {
  const { clock, pool } = make();
  await shares(clock, pool, 100);
  for (let i = 0; i < 5; i++) pool.pick({ avoid: new Set(['b', 'c']) }).release('failed');
  expect(pool.stats().members[0]).toMatchObject({ ejected: 'consecutive', part: 1 });
  await clock.advance(6_000);
  expect((await shares(clock, pool, 200)).get('a')).toBeLessThan(0.1);
  expect(pool.stats().members[0]).toMatchObject({ ejected: undefined });
  expect(pool.stats().members[0]!.part).toBeLessThan(0.5);
});
