/* The machine at its edges: the last instant of a time, the answer that comes when nobody waits, the watch that breaks. */

import { describe, expect, it } from 'vitest';
import { wakeMs } from '../../src/election/standing.ts';
import { Life, own, timing } from './support/life.ts';
import { recordOf } from './support/machine-cluster.ts';

const others = recordOf({ holder: 'b', nonce: 'b#1.1', token: 5n, version: 'v7' });
const wake = ({ standing, rules }: Life): number => wakeMs(standing, rules);
const resign = { type: 'resign', data: undefined, drainMs: 500 } as const;

describe('a lease that ends', () => {
  const holdsMs = 0.98 * timing.ttlMs - timing.guardMs;

  it.each([
    [0, 'expired'],
    [timing.requestMs, 'expired'],
    [timing.requestMs + 1, 'stalled'],
  ])('%i ms before anybody looks is %s', (lateMs, reason) => {
    const life = new Life();
    life.grant();
    life.take({ type: 'wake' }, holdsMs - 1 + lateMs);
    expect(life.standing).toMatchObject({ phase: 'lost', reason });
  });

  it('long before anybody looks is expired all the same where answers were missing', () => {
    const life = new Life();
    life.grant();
    life.wait();
    life.take({ type: 'unanswered' }, 2_500);
    expect(life.standing.phase).toBe('atRisk');
    life.take({ type: 'wake' }, 60_000);
    expect(life.standing).toMatchObject({ phase: 'lost', reason: 'expired' });
  });

  it('that waits out the lock delay is led with from then on, until something is due', () => {
    const life = new Life();
    life.grant(1n, 'expired');
    expect(life.standing).toMatchObject({ phase: 'acquiring', reason: 'lockDelay' });
    life.wait();
    expect(life.standing).toMatchObject({ phase: 'leading', reason: 'granted' });
    expect(wake(life)).toBeGreaterThan(life.nowMs + 1_000);
    // Somebody acts for it, too: it is not given back before that has stopped.
    expect(life.take(resign, 10)).toBe(undefined);
    expect(life.take({ type: 'settled' })?.kind).toBe('release');
  });

  it('in the lock delay is not led with, whenever that would have been over', () => {
    const life = new Life('server', { lockDelayMs: 5_000 });
    life.grant(1n, 'expired');
    expect(life.wait()?.kind).toBe('renew');
    life.answer({ kind: 'renew', result: null });
    expect(life.standing).toMatchObject({ phase: 'acquiring', held: undefined });
    life.answer({ kind: 'acquire', result: { granted: false, current: recordOf({ holder: 'b', nonce: 'b#1.1' }) } });
    life.take({ type: 'wake' }, 2_000);
    expect(life.standing.phase).toBe('standby');
  });

  it('without anybody noticing wants no news to be told', () => {
    const life = new Life();
    life.grant();
    expect(life.take({ type: 'data', data: 'new' }, 60_000)).toBe(undefined);
    expect([life.standing.phase, wake(life)]).toEqual(['lost', Infinity]);
  });

  it('is not led with when the candidate withdraws in the lock delay: it is given back', () => {
    const life = new Life();
    life.grant(1n, 'expired');
    expect(life.take(resign, 10)).toMatchObject({ kind: 'release', held: { nonce: own.nonce } });
    expect(life.standing).toMatchObject({ phase: 'idle', reason: 'withdrawn', held: undefined });
    life.answer({ kind: 'release', result: true }, 1_000);
    expect([life.standing.phase, wake(life)]).toEqual(['idle', Infinity]);
  });
});

describe('a leader that drains', () => {
  it('has no time to keep where nobody acts for it', () => {
    const life = new Life();
    life.grant();
    life.wait(); // a renewal is under way
    const dueMs = wake(life);
    life.take({ type: 'settled' });
    life.take(resign);
    expect(wake(life)).toBe(dueMs);
  });

  it('has until the last instant, and the least of the times that it was given', () => {
    const life = new Life();
    life.grant();
    life.take(resign, 10);
    life.take({ ...resign, drainMs: 5_000 }, 100);
    life.take({ type: 'wake' }, 399);
    expect(life.standing.phase).toBe('draining');
    life.take({ type: 'wake' }, 1);
    expect(life.standing).toMatchObject({ phase: 'lost', reason: 'drainTimeout' });
    const hurried = new Life();
    hurried.grant();
    hurried.take(resign, 10);
    hurried.take({ ...resign, drainMs: 0 }, 10);
    expect(hurried.standing.phase).toBe('lost');
  });
});

it('a leader that gives back what an earlier candidacy was granted drains on: it has its own', () => {
  const life = new Life();
  life.grant();
  const earlier = recordOf({ nonce: 'a#1.0' });
  expect(life.take({ type: 'stray', record: earlier }, 10)).toMatchObject({ kind: 'release', held: earlier });
  life.take(resign, 10);
  life.answer({ kind: 'release', result: true });
  expect(life.standing).toMatchObject({ phase: 'draining', held: { record: { nonce: own.nonce } } });
  expect(life.take({ type: 'settled' })).toMatchObject({ kind: 'release', held: { nonce: own.nonce } });
});

it('a leader that loses its lease while it drains stays where it is when the time to drain is over', () => {
  const life = new Life();
  life.grant();
  life.wait();
  life.take({ ...resign, drainMs: 5_000 });
  life.answer({ kind: 'renew', result: null });
  life.take({ type: 'wake' }, 6_000);
  expect(life.standing).toMatchObject({ phase: 'lost', reason: 'superseded' });
});

describe('a candidate that is sure of nothing', () => {
  it('looks before it asks where observers expire leases', () => {
    expect(new Life('observer').calls).toEqual(['read']);
    expect(new Life('server').calls).toEqual(['acquire']);
  });

  it('declares no lease dead where the store does', () => {
    const life = new Life('server', { chance: () => 0 });
    life.answer({ kind: 'acquire', result: { granted: false, current: { ...others, remainingMs: 100 } } });
    expect(life.standing).toMatchObject({ phase: 'standby', reason: 'held' });
    let call = life.standing.calling?.call;
    while (call?.kind !== 'acquire') call = life.wait() ?? life.answer({ kind: 'read', result: others }, 0);
    expect(call.candidacy.expectDead).toBe(undefined);
  });

  it.each([
    ['was released', { ...others, holder: null }],
    ['is its own', own],
  ])('declares no lease dead that %s', (_, record) => {
    const life = new Life('observer', { chance: () => 0 });
    life.answer({ kind: 'read', result: null });
    life.take({ type: 'unanswered' }, 2_500);
    life.answer({ kind: 'read', result: record });
    const call = life.standing.calling?.call ?? life.wait();
    expect(call).toMatchObject({ kind: 'acquire', candidacy: { expectDead: undefined } });
  });

  it('takes a lease up, or gives it back, that it was granted when it had been told already that it has none', () => {
    const life = new Life();
    life.take({ type: 'unanswered' }, 2_500);
    life.answer({ kind: 'read', result: null });
    life.answer({ kind: 'acquire', result: { granted: false, current: others } });
    expect(life.take({ type: 'stray', record: own }, 10)).toBe(undefined);
    expect(life.take(resign, 10)?.kind).toBe('read');
    expect(life.answer({ kind: 'read', result: own })).toMatchObject({ kind: 'release', held: own });
  });
});

describe('a candidate that withdraws', () => {
  it('says so, whether it asks or waits', () => {
    const asking = new Life();
    asking.take(resign, 10);
    asking.answer({ kind: 'acquire', result: { granted: false, current: others } });
    const waiting = new Life();
    waiting.answer({ kind: 'acquire', result: { granted: false, current: others } });
    waiting.take(resign, 10);
    for (const life of [asking, waiting]) {
      expect(life.standing).toMatchObject({ phase: 'idle', reason: 'withdrawn' });
      expect(wake(life)).toBe(Infinity);
    }
  });

  it('asks nothing more, also when it had a hint', () => {
    const life = new Life();
    life.take({ type: 'hint' }, 10);
    life.take(resign, 10);
    expect(life.answer({ kind: 'acquire', result: { granted: false, current: others } })).toBe(undefined);
    expect(life.take({ type: 'wake' }, 10)).toBe(undefined);
    expect(life.calls).toEqual(['acquire']);
  });
});

describe('a leader', () => {
  it('takes a hint for that of its own write for a tenth of a second', () => {
    const life = new Life();
    life.grant();
    expect(life.take({ type: 'hint' }, 99)).toBe(undefined);
    expect(life.take({ type: 'hint' }, 1)?.kind).toBe('read');
  });

  it('does not look because of a hint that its own renewal may have given', () => {
    const life = new Life();
    life.grant();
    expect(life.wait()?.kind).toBe('renew');
    expect(life.take({ type: 'hint' }, 10)).toBe(undefined);
    expect(life.answer({ kind: 'renew', result: own })).toBe(undefined);
  });
});

describe('a watch that breaks', () => {
  it('is no reason to renew earlier, nor to wake who does not stand', () => {
    const life = new Life('server', { chance: () => 0.99 });
    life.take({ type: 'watching', on: true });
    life.grant();
    const dueMs = wake(life);
    expect(dueMs).toBeGreaterThan(1_000 + 1.09 * timing.renewMs);
    life.take({ type: 'watching', on: false }, 1);
    expect(wake(life)).toBe(dueMs);
    life.take({ type: 'wake' }, 60_000);
    life.take({ type: 'watching', on: false }, 1);
    expect([life.standing.phase, wake(life)]).toEqual(['lost', Infinity]);
  });

  it('while it asks is not relied upon afterwards', () => {
    const life = new Life('server', { chance: () => 0 });
    life.take({ type: 'watching', on: true });
    life.take({ type: 'watching', on: false });
    life.answer({ kind: 'acquire', result: { granted: false, current: { ...others, remainingMs: 8_000 } } }, 0);
    expect(wake(life)).toBe(1_000 + timing.renewMs);
  });
});
