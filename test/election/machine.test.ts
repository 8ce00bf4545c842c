/* Worked examples of the machine: each is of a defect that it had, or that a test would miss. */

import { describe, expect, it } from 'vitest';
import { type ElectionEvent, wakeMs } from '../../src/election/standing.ts';
import { Life, own, timing } from './support/life.ts';
import { recordOf } from './support/machine-cluster.ts';

describe('a leader', () => {
  it('keeps its lease when an old acquisition of the same candidacy is answered after all', () => {
    const life = new Life();
    life.grant();
    expect(life.take({ type: 'stray', record: own }, 10)).toBe(undefined);
    expect([life.standing.phase, life.standing.ghost]).toEqual(['leading', undefined]);
  });

  it('gives back what an earlier candidacy was granted, and renews its own in time', () => {
    const life = new Life();
    life.grant();
    expect(life.take({ type: 'stray', record: recordOf({ nonce: 'a#1.0' }) }, 10)?.kind).toBe('release');
    life.answer({ kind: 'release', result: true });
    expect(life.wait()?.kind).toBe('renew');
    expect(life.nowMs).toBeLessThan(1_000 + 1.1 * timing.renewMs);
  });

  it('does not lead any more from the moment at which the release is sent', () => {
    const life = new Life();
    life.grant();
    life.take({ type: 'resign', data: undefined, drainMs: 500 }, 10);
    expect(life.leftMs).toBeGreaterThan(0);
    expect(life.take({ type: 'settled' }, 10)?.kind).toBe('release');
    expect(life.leftMs).toBe(0);
    life.take({ type: 'unanswered' }, 2_500);
    expect(life.standing).toMatchObject({ phase: 'released', reason: 'unanswered' });
  });

  it('that has stopped in time is not woken for it, also when it is to resign again', () => {
    const life = new Life();
    life.grant();
    life.wait(); // a renewal is under way
    life.take({ type: 'resign', data: undefined, drainMs: 500 }, 10);
    life.take({ type: 'settled' }, 10);
    life.take({ type: 'resign', data: undefined, drainMs: 0 }, 10);
    expect(wakeMs(life.standing, life.rules)).toBeGreaterThan(life.nowMs + 1_000);
  });

  it('is over at the very instant of its wake, whatever rounding says', () => {
    for (let i = 0; i < 1_000; i++) {
      const life = new Life('server', {}, 1_000 + i / 7);
      life.grant(1n, 'none', 1 / 3);
      life.wait();
      const { sent } = life.standing.held!;
      life.wait();
      expect(life.standing.phase).toBe('lost');
      expect(life.nowMs).toBe(sent.now + 9_300);
    }
  });

  it('renews at once after a look that was not answered', () => {
    const life = new Life();
    life.grant();
    expect(life.take({ type: 'hint' }, 200)?.kind).toBe('read');
    expect(life.take({ type: 'unanswered' }, 2_500)?.kind).toBe('renew');
  });

  it('reckons with a lease that is shorter than what it asked for, and not with a longer one', () => {
    for (const [ttlMs, leftMs] of [
      [4_000, 3_420],
      [20_000, 9_300],
    ] as const) {
      const life = new Life();
      const record = { ...own, ttlMs };
      life.answer({ kind: 'acquire', result: { granted: true, record, predecessor: 'none' } }, 0);
      expect(life.leftMs).toBeCloseTo(leftMs);
    }
  });

  it('loses a lease that was renewed for less than the answer took', () => {
    for (const [ttlMs, phase] of [
      [1_400, 'leading'],
      [1_200, 'lost'],
    ] as const) {
      const life = new Life();
      life.grant();
      life.wait();
      life.answer({ kind: 'renew', result: { ...own, ttlMs } }, 700);
      expect(life.standing.phase).toBe(phase);
      if (phase === 'lost') expect(life.standing.reason).toBe('expired');
    }
  });

  it('is stalled when it was long past its end, expired when answers were missing', () => {
    const life = new Life();
    life.grant();
    life.take({ type: 'wake' }, 30_000);
    expect(life.standing.reason).toBe('stalled');
    const late = new Life();
    late.grant();
    late.take({ type: 'wake' }, 9_400);
    expect(late.standing.reason).toBe('expired');
  });

  it('is superseded by a higher token, and by nothing that is older than its own grant', () => {
    for (const [token, phase] of [
      [0n, 'leading'],
      [2n, 'lost'],
    ] as const) {
      const life = new Life();
      life.grant();
      life.take({ type: 'hint' }, 200);
      life.answer({ kind: 'read', result: recordOf({ holder: 'b', nonce: 'b#1.1', token }) });
      expect(life.standing.phase).toBe(phase);
    }
  });

  it('does not look because of its own write', () => {
    const life = new Life();
    life.grant();
    expect(life.take({ type: 'hint' }, 50)).toBe(undefined);
    expect(life.take({ type: 'hint' }, 100)?.kind).toBe('read');
  });

  it('tells at once what has changed while a renewal was under way', () => {
    const life = new Life();
    life.grant();
    life.wait();
    life.take({ type: 'data', data: 'new' });
    const call = life.answer({ kind: 'renew', result: own });
    expect(call).toMatchObject({ kind: 'renew', data: 'new' });
  });

  it('waits out the lock delay after one that vanished', () => {
    const life = new Life();
    life.grant(1n, 'expired');
    expect(life.standing.phase).toBe('acquiring');
    life.wait();
    expect([life.standing.phase, life.nowMs]).toEqual(['leading', 1_701]);
  });
});

describe('a candidate', () => {
  const others = recordOf({ holder: 'b', nonce: 'b#1.1', token: 5n, version: 'v7' });

  it('that cannot see the lease keeps on counting from when it saw it last', () => {
    const life = new Life('observer', { chance: () => 0 });
    life.answer({ kind: 'read', result: others });
    expect(life.wait()?.kind).toBe('read');
    life.take({ type: 'unanswered' }, 2_500);
    while (life.standing.calling?.call.kind !== 'acquire') {
      if (life.standing.calling === undefined) life.wait();
      else life.answer({ kind: 'read', result: others }, 0);
    }
    expect(life.standing.calling.call.candidacy.expectDead).toBe('v7');
    expect(life.nowMs).toBe(1_001 + 10_000);
  });

  it('looks again after an acquisition that was not answered, and asks under the same nonce for what it has', () => {
    const life = new Life();
    // It took as long as a pause would have.
    expect(life.take({ type: 'unanswered' }, 2_500)?.kind).toBe('read');
    life.answer({ kind: 'read', result: own });
    expect(life.wait()).toMatchObject({
      kind: 'acquire',
      candidacy: { nonce: 'a#1.1' },
    });
  });

  it('that was denied after an acquisition that was not answered withdraws without a look', () => {
    const life = new Life();
    life.take({ type: 'unanswered' }, 2_500);
    expect(life.answer({ kind: 'read', result: null })?.kind).toBe('acquire');
    life.answer({ kind: 'acquire', result: { granted: false, current: others } });
    expect(life.take({ type: 'resign', data: undefined, drainMs: 0 }, 10)).toBe(undefined);
    expect(life.standing.phase).toBe('idle');
  });

  it('does not poll where the store gives hints', () => {
    const life = new Life('server', { chance: () => 0 });
    life.take({ type: 'watching', on: true });
    life.answer({ kind: 'acquire', result: { granted: false, current: { ...others, remainingMs: 8_000 } } }, 0);
    expect(wakeMs(life.standing, life.rules)).toBe(9_000);
    life.take({ type: 'watching', on: false });
    life.take({ type: 'hint' });
    life.answer({ kind: 'read', result: { ...others, remainingMs: 8_000 } }, 0);
    expect(wakeMs(life.standing, life.rules)).toBe(1_000 + timing.renewMs);
  });

  it('that withdraws gives back what it was granted unheard', () => {
    const life = new Life();
    life.take({ type: 'resign', data: undefined, drainMs: 0 }, 10);
    expect(life.take({ type: 'unanswered' })?.kind).toBe('read');
    expect(life.answer({ kind: 'read', result: own })).toMatchObject({ kind: 'release', held: own });
    expect(life.standing.phase).toBe('idle');
  });

  it('looks at once when a hint came while it asked, whatever the answer was', () => {
    const denied = { kind: 'acquire', result: { granted: false, current: { ...others, remainingMs: 8_000 } } } as const;
    const life = new Life('server', { chance: () => 0 });
    life.take({ type: 'watching', on: true });
    expect(life.take({ type: 'hint' })).toBe(undefined); // one call at a time
    expect(life.answer(denied)?.kind).toBe('read');
    const told = new Life();
    told.take({ type: 'hint' });
    expect(told.grant()?.kind).toBe('read');
  });

  it('looks soon when the watch breaks on which it relied', () => {
    const life = new Life('server', { chance: () => 0 });
    life.take({ type: 'watching', on: true });
    life.answer({ kind: 'acquire', result: { granted: false, current: { ...others, remainingMs: 9_900 } } }, 0);
    expect(wakeMs(life.standing, life.rules)).toBe(1_000 + 9_900);
    life.take({ type: 'watching', on: false }, 100);
    expect(wakeMs(life.standing, life.rules)).toBe(1_100 + timing.renewMs);
    // And not later than it would have.
    life.take({ type: 'watching', on: false }, 100);
    expect(wakeMs(life.standing, life.rules)).toBe(1_100 + timing.renewMs);
  });

  it('relies on no watch of an earlier campaign', () => {
    const life = new Life('server', { chance: () => 0 });
    life.take({ type: 'watching', on: true });
    life.grant();
    life.take({ type: 'resign', data: undefined, drainMs: 500 });
    life.take({ type: 'settled' });
    life.answer({ kind: 'release', result: true });
    life.take({ type: 'campaign', data: undefined });
    life.answer({ kind: 'acquire', result: { granted: false, current: { ...others, remainingMs: 9_900 } } }, 0);
    expect(wakeMs(life.standing, life.rules)).toBe(life.nowMs + timing.renewMs);
  });

  it.each([0, 2])('of rank %i lets others go first from its first attempt on', (rank) => {
    const life = new Life('server', { rank, chance: () => 0 });
    if (rank > 0) life.answer({ kind: 'read', result: null }, 0);
    while (life.standing.calling?.call.kind !== 'acquire') {
      if (life.standing.calling === undefined) life.wait();
      else life.answer({ kind: 'read', result: null }, 0);
    }
    expect(life.nowMs).toBe(1_000 + rank * timing.spreadMs);
    expect(life.calls.length).toBe(rank > 0 ? 2 : 1);
  });

  it('gives back what it was granted with a token that is not above those before', () => {
    for (const token of [4n, 5n]) {
      const life = new Life();
      life.answer({ kind: 'acquire', result: { granted: false, current: { ...others, remainingMs: 100 } } });
      while (life.standing.calling === undefined) life.wait();
      expect(life.grant(token)?.kind).toBe('release');
      expect(life.standing).toMatchObject({ phase: 'standby', reason: 'staleToken', held: undefined });
    }
  });

  it.each(['late', 'withdrawn', 'a campaign that began anew'])(
    'gives back what it was granted in vain, and knows that it has nothing then (%s)',
    (why) => {
      const life = new Life('server', { chance: () => 0 });
      const campaign: ElectionEvent = { type: 'campaign', data: undefined };
      if (why === 'withdrawn') life.take({ type: 'resign', data: undefined, drainMs: 0 }, 10);
      if (why.startsWith('a campaign')) life.take(campaign, 10);
      expect(life.grant(1n, 'none', why === 'late' ? 9_400 : 1)?.kind).toBe('release');
      const reason = why === 'late' ? 'late' : 'withdrawn';
      expect(life.standing).toMatchObject({ phase: 'standby', reason, held: undefined });
      // Who is sure of that asks for the lease without a look, or goes without one.
      const next = life.answer({ kind: 'release', result: true }) ?? life.wait();
      expect(next?.kind).toBe(why === 'withdrawn' ? 'read' : 'acquire');
      if (why === 'withdrawn') life.answer({ kind: 'read', result: null });
      expect(life.standing.phase).toBe(why === 'withdrawn' ? 'idle' : 'acquiring');
    },
  );

  it.each([
    [0, 50],
    [0.9, 95],
  ])('that is told that the lease is free again asks soon, a little apart from others (%f)', (chance, pauseMs) => {
    const life = new Life('server', { chance: () => chance });
    life.answer({ kind: 'acquire', result: { granted: false, current: null } });
    expect(life.wait()?.kind).toBe('acquire');
    expect(life.nowMs).toBeCloseTo(1_001 + pauseMs);
  });

  it('takes the same token again for the same candidacy', () => {
    const life = new Life();
    life.take({ type: 'unanswered' }, 2_500);
    life.answer({ kind: 'read', result: own });
    life.wait();
    life.grant(1n);
    expect(life.standing.phase).toBe('leading');
  });

  it('that lost a lease as soon as it had it asks again after a pause, hints or not', () => {
    const life = new Life();
    const record = { ...own, ttlMs: (timing.guardMs + 1) / 0.98 };
    life.answer({ kind: 'acquire', result: { granted: true, record, predecessor: 'none' } }, 0);
    life.wait();
    expect(life.standing.phase).toBe('lost');
    life.take({ type: 'campaign', data: undefined });
    life.take({ type: 'hint' });
    expect(life.answer({ kind: 'read', result: null })).toBe(undefined);
    expect(life.wait()?.kind).toBe('acquire');
    expect(life.nowMs).toBe(1_000 + 1_000);
  });
});
