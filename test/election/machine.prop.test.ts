/* The machine alone, whatever a store answers and whenever anything happens. */

import fc from 'fast-check';
import type { LeaseRecord } from 'holdfast/election';
import { seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import type { Instant } from '../../src/election/instant.ts';
import { step } from '../../src/election/machine.ts';
import type { Rules } from '../../src/election/rules.ts';
import {
  type Answer,
  type ElectionEvent,
  idle,
  leads,
  nonceOf,
  remainingMs,
  type Standing,
  type StoreCall,
  wakeMs,
} from '../../src/election/standing.ts';
import { timingFrom } from '../../src/election/rules.ts';
import { runs, seed } from '../support/properties.ts';
import { recordOf } from './support/machine-cluster.ts';

const timing = timingFrom({ ttlMs: 10_000 }, { minTtlMs: 1, stepMs: 1 });

const rulesOf = (expiry: 'server' | 'observer', over: Partial<Rules> = {}): Rules => ({
  ...timing,
  expiry,
  key: 'x',
  id: 'a',
  instance: 'a#1',
  rank: 0,
  yields: () => false,
  chance: seededRandom(1),
  ...over,
});

const others = recordOf({ holder: 'b', nonce: 'b#1.1', token: 5n, remainingMs: 4_000 });

/** Each a way to answer a call; some of them no store should. */
const manners = {
  yes: (call: StoreCall, n: number): Answer | undefined => {
    switch (call.kind) {
      case 'acquire': {
        const { nonce } = call.candidacy;
        return { kind: 'acquire', result: { granted: true, record: recordOf({ nonce, token: BigInt(n) }), predecessor: n % 2 === 0 ? 'expired' : 'none' } }; // prettier-ignore
      }
      case 'renew':
        return { kind: 'renew', result: { ...call.held, version: `v${String(n)}` } };
      case 'release':
        return { kind: 'release', result: true };
      case 'read':
        return { kind: 'read', result: null };
    }
  },
  no: (call: StoreCall): Answer | undefined => answered(call, others),
  free: (call: StoreCall): Answer | undefined => answered(call, null),
  own: (call: StoreCall): Answer | undefined =>
    answered(call, recordOf({ nonce: call.kind === 'acquire' ? call.candidacy.nonce : 'a#1.1' })),
  ghost: (call: StoreCall): Answer | undefined => answered(call, recordOf({ nonce: 'a#1.0' })),
  over: (call: StoreCall): Answer | undefined => answered(call, { ...others, remainingMs: 0, ttlMs: 1 }),
  released: (call: StoreCall): Answer | undefined => answered(call, { ...others, holder: null }),
  short: (call: StoreCall, n: number): Answer | undefined => lasting(manners.yes(call, n), 50),
  /** Only just longer than the guard. */
  hair: (call: StoreCall, n: number): Answer | undefined => lasting(manners.yes(call, n), (timing.guardMs + 1) / 0.98),
  /** Its tokens go back. */
  back: (call: StoreCall, n: number): Answer | undefined => manners.yes(call, Math.max(0, 1_000_000 - n)),
  silent: (): Answer | undefined => undefined,
};
type Manner = keyof typeof manners;
const everyManner = Object.keys(manners) as Manner[];

/** A grant for another length. */
function lasting(answer: Answer | undefined, ttlMs: number): Answer | undefined {
  if (answer?.kind !== 'acquire' || !answer.result.granted) return answer;
  return { kind: 'acquire', result: { ...answer.result, record: { ...answer.result.record, ttlMs } } };
}

function answered({ kind }: StoreCall, current: LeaseRecord | null): Answer {
  switch (kind) {
    case 'acquire':
      return { kind, result: { granted: false, current } };
    case 'renew':
      return { kind, result: null };
    case 'release':
      return { kind, result: false };
    case 'read':
      return { kind, result: current };
  }
}

function higher(token: bigint, answer: Answer): bigint {
  if (answer.kind === 'release') return token;
  const record =
    answer.kind !== 'acquire' ? answer.result : answer.result.granted ? answer.result.record : answer.result.current;
  return record !== null && record.token > token ? record.token : token;
}

const isOver = ({ phase }: Standing): boolean => phase === 'idle' || phase === 'lost' || phase === 'released';

/** What happens next, by its name; an answer in a manner. */
const moves = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...everyManner) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('wake', 'hint', 'on', 'off', 'data', 'resign', 'settled', 'stray', 'oldStray' as const),
  },
);
const steps = fc.array(
  fc.record({
    move: moves,
    /** Up to the next wake, or any time; a wall clock that jumps. */
    passes: fc.oneof(fc.constant('wake' as const), fc.integer({ min: 0, max: 4_000 })),
    jumpMs: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: -20_000, max: 20_000 })),
  }),
  { minLength: 20, maxLength: 120 },
);

describe('the machine', () => {
  it.each(['server', 'observer'] as const)('keeps its rules whatever happens (%s)', (expiry) => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 700), fc.nat(3), (script, lockDelayMs, rank) => {
        const rules = rulesOf(expiry, { lockDelayMs, rank, chance: seededRandom(script.length) });
        const givenBack = new Set<string>();
        let standing = idle;
        let at: Instant = { now: 0, wall: 1e12 };
        let n = 0;
        let highest = 0n;
        const take = (event: ElectionEvent): void => {
          const before = standing;
          const [after, call] = step(before, event, at, rules);
          standing = after;
          const answers = event.type === 'answered' || event.type === 'unanswered';
          // Never two calls at a time.
          if (call !== undefined) expect(before.calling === undefined || answers).toBe(true);
          if (call !== undefined) expect(after.calling).toEqual({ call, sent: at });
          else expect(after.calling).toBe(answers ? undefined : before.calling);
          // A lease comes from an own grant or renewal alone, and counts from its send.
          if (after.held !== undefined && after.held !== before.held) {
            expect(answers).toBe(true);
            expect(after.held.sent).toBe(before.calling!.sent);
            const asked = before.calling!.call;
            expect(asked.kind === 'acquire' || asked.kind === 'renew').toBe(true);
            if (asked.kind === 'acquire') expect(after.held.record.nonce).toBe(asked.candidacy.nonce);
            if (asked.kind === 'acquire') expect(after.held.record.token).toBeGreaterThanOrEqual(highest);
            if (asked.kind === 'renew') expect(asked.held).toBe(before.held!.record);
          }
          if (leads(after) && after.held !== undefined) expect(remainingMs(after, at, rules)).toBeGreaterThan(0);
          // Who leads has the lease, unless it is on its way back.
          if (leads(after) && after.held === undefined) expect(after.calling?.call.kind).toBe('release');
          if (call?.kind === 'release') {
            givenBack.add(call.held.nonce);
            // What is given back is not held any more.
            expect(after.held?.record.nonce).not.toBe(call.held.nonce);
          }
          if (call?.kind === 'acquire') expect(givenBack).not.toContain(call.candidacy.nonce);
          if (event.type === 'answered') highest = higher(highest, event.answer);
          // Something will happen, and it is not overdue.
          const dueMs = wakeMs(after, rules);
          if (!isOver(after)) expect(after.calling !== undefined || dueMs < Infinity).toBe(true);
          if (after.calling !== undefined && after.held === undefined) expect(dueMs).toBe(Infinity);
          // A lease is renewed in time, not left to its end.
          if (after.held !== undefined && after.calling === undefined) expect(after.nextMs).toBeLessThan(Infinity);
          expect(dueMs).toBeGreaterThan(at.now);
        };
        take({ type: 'campaign', data: undefined });
        for (const { move, passes, jumpMs } of script) {
          const dueMs = wakeMs(standing, rules);
          const passedMs = passes === 'wake' ? (dueMs === Infinity ? 500 : Math.max(0, dueMs - at.now)) : passes;
          at = { now: at.now + passedMs, wall: at.wall + passedMs + jumpMs };
          const { calling } = standing;
          n++;
          if (move in manners) {
            if (calling === undefined) continue;
            const answer = manners[move as Manner](calling.call, n);
            take(answer === undefined ? { type: 'unanswered' } : { type: 'answered', answer });
          } else if (move === 'stray') {
            take({ type: 'stray', record: recordOf({ nonce: nonceOf(standing, rules), token: BigInt(n) }) });
          } else if (move === 'oldStray') {
            take({ type: 'stray', record: recordOf({ nonce: 'a#1.0', token: BigInt(n) }) });
          } else if (move === 'on' || move === 'off') {
            take({ type: 'watching', on: move === 'on' });
          } else if (move === 'data' || move === 'resign') {
            take({ type: move, data: String(n), drainMs: 3_000 });
          } else {
            take({ type: move as 'wake' | 'hint' | 'settled' });
          }
          if (isOver(standing) && !standing.busy) take({ type: 'campaign', data: undefined });
        }
      }),
      { seed, numRuns: runs(10) },
    );
  });

  it.each(['server', 'observer'] as const)(
    'never asks a store without end, whatever it answers at once (%s)',
    (expiry) => {
      fc.assert(
        fc.property(
          fc.array(fc.constantFrom(...everyManner), { minLength: 1, maxLength: 6 }),
          fc.boolean(),
          fc.nat(),
          (cycle, watched, chance) => {
            const rules = rulesOf(expiry, { chance: chance === 0 ? () => 0 : seededRandom(chance) });
            let standing = idle;
            let at: Instant = { now: 0, wall: 0 };
            let calls = 0;
            let events = 0;
            const take = (event: ElectionEvent): void => {
              events++;
              const [after, call] = step(standing, event, at, rules);
              standing = after;
              if (call !== undefined) calls++;
            };
            take({ type: 'watching', on: watched });
            const seconds = 60;
            while (at.now < seconds * 1_000 && events < seconds * 300) {
              if (standing.busy && isOver(standing)) take({ type: 'settled' });
              if (isOver(standing)) take({ type: 'campaign', data: undefined });
              if (standing.calling !== undefined) {
                const answer = manners[cycle[calls % cycle.length]!](standing.calling.call, calls);
                take(answer === undefined ? { type: 'unanswered' } : { type: 'answered', answer });
                continue;
              }
              const nowMs = wakeMs(standing, rules);
              at = { now: nowMs, wall: nowMs };
              take({ type: 'wake' });
            }
            expect(calls).toBeLessThan(seconds * 70);
            expect(events).toBeLessThan(seconds * 300);
          },
        ),
        {
          seed,
          numRuns: runs(10),
          examples: [
            ...everyManner.map((manner): [Manner[], boolean, number] => [[manner], true, 0]),
            [['silent', 'free'], false, 0],
          ],
        },
      );
    },
  );
});
