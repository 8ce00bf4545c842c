/* A store that answers what no store may answer: refused, with STORE_FAILED, and nobody leads by it. */

import { isStoreFailed, type LeaseRecord, type LeaseStore, type Term } from 'holdfast/election';
import { HoldfastError } from 'holdfast/core';
import { describe, expect, it } from 'vitest';
import { timingFrom } from '../../src/election/rules.ts';
import type { StoreCall } from '../../src/election/standing.ts';
import { perform } from '../../src/election/store-calls.ts';
import { make, ttlMs, untilStopped } from './support/electorate.ts';

const record: LeaseRecord = { key: 'x', holder: 'a', nonce: 'n', token: 7n, version: 'v', ttlMs, remainingMs: 1_000 };
const timing = timingFrom({ ttlMs }, { minTtlMs: 1, stepMs: 1 });
const rules = { ...timing, expiry: 'server' as const, key: 'x', id: 'a', instance: 'a', rank: 0, yields: () => false, chance: () => 0 }; // prettier-ignore
const { signal } = new AbortController();

/** A store that gives the same answer to whatever it is asked. */
const answering = (answer: unknown): LeaseStore => {
  const call = (): Promise<never> => Promise.resolve(answer as never);
  return {
    ...{ expiry: 'server', durability: 'linearizable', limits: { minTtlMs: 1, stepMs: 1 } },
    ...{ acquire: call, renew: call, release: call, read: call },
  };
};
const calls: Record<StoreCall['kind'], StoreCall> = {
  acquire: { kind: 'acquire', candidacy: { key: 'x', holder: 'a', nonce: 'n', ttlMs } },
  renew: { kind: 'renew', held: record, data: undefined },
  release: { kind: 'release', held: record },
  read: { kind: 'read' },
};

/** No record of a lease, whoever holds it. */
const noRecords: [string, unknown][] = [
  ['nothing', undefined],
  ['a text', 'a'],
  ['a holder that is a number', { ...record, holder: 5 }],
  ['no holder', { ...record, holder: undefined }],
  ['no nonce', { ...record, nonce: undefined }],
  ['no token', { ...record, token: undefined }],
  ['a token that is a number', { ...record, token: 7 }],
  ['a token that is a text', { ...record, token: '7' }],
  ['a negative token', { ...record, token: -1n }],
  ['no version', { ...record, version: undefined }],
  ['a version that is a number', { ...record, version: 1 }],
  ...[undefined, 0, -1, NaN, Infinity, '2000'].map((ttl): [string, unknown] => [`a ttlMs of ${String(ttl)}`, { ...record, ttlMs: ttl }]), // prettier-ignore
  ...[-1, NaN, Infinity, '1000', null].map((left): [string, unknown] => [`a remainingMs of ${String(left)}`, { ...record, remainingMs: left }]), // prettier-ignore
  ['data that is an object', { ...record, data: {} }],
];
/** A record, but not of the lease that was asked for. */
const others: [string, unknown][] = [
  ['another nonce', { ...record, nonce: 'm' }],
  ['another holder', { ...record, holder: 'b' }],
  ['nobody as its holder', { ...record, holder: null }],
];

const garbage: [StoreCall['kind'], string, unknown][] = [
  ...noRecords.flatMap(([what, one]): [StoreCall['kind'], string, unknown][] => [
    ['acquire', `a grant of ${what}`, { granted: true, record: one, predecessor: 'none' }],
    ['acquire', `a denial for ${what}`, { granted: false, current: one }],
    ['renew', what, [one]],
    ['read', what, one],
  ]),
  ...others.flatMap(([what, one]): [StoreCall['kind'], string, unknown][] => [
    ['acquire', `a grant with ${what}`, { granted: true, record: one, predecessor: 'none' }],
    ['renew', what, [one]],
  ]),
  ['acquire', 'nothing', undefined],
  ['acquire', 'null', null],
  ['acquire', 'a text', 'yes'],
  ['acquire', 'a grant that is a text', { granted: 'yes', record }],
  ['acquire', 'no grant and no denial', {}],
  ['renew', 'another token', [{ ...record, token: 8n }]],
  ['renew', 'no list', record],
  ['renew', 'an empty list', []],
  ['renew', 'nothing', undefined],
  ['release', 'nothing', undefined],
  ['release', 'a number', 1],
];

describe('an answer', () => {
  it.each(garbage)('to %s of %s is refused', async (kind, _, answer) => {
    const refused = await perform(answering(answer), calls[kind], rules, signal).catch((error: unknown) => error);
    expect(refused).toSatisfy(isStoreFailed);
    expect((refused as HoldfastError).message).toMatch(/^a lease store must answer with .+, got /);
  });

  it.each([
    ['renew', record, 'an answer for each lease, got an object'],
    ['renew', [], 'an answer for each lease, got an array of 0'],
    ['renew', ['a'], 'an object, got "a"'],
    ['read', { ...record, token: -1n }, 'a token that is a bigint >= 0, got -1n'],
  ] as const)('to %s that is refused says what was expected (%#)', async (kind, answer, message) => {
    const refused = await perform(answering(answer), calls[kind], rules, signal).catch((error: unknown) => error);
    expect(refused).toMatchObject({ message: `a lease store must answer with ${message}` });
  });

  it('may have the token 0', async () => {
    const first = { ...record, token: 0n };
    expect(await perform(answering(first), calls.read, rules, signal)).toEqual({ kind: 'read', result: first });
  });

  it('that is as it should be is taken', async () => {
    const granted = { granted: true, record, predecessor: 'none' };
    expect(await perform(answering(granted), calls.acquire, rules, signal)).toEqual({
      kind: 'acquire',
      result: granted,
    });
    for (const current of [null, { ...record, holder: 'b', nonce: 'm', remainingMs: 0 }, { ...record, holder: null }]) {
      const denied = { granted: false, current };
      expect(await perform(answering(denied), calls.acquire, rules, signal)).toEqual({
        kind: 'acquire',
        result: denied,
      });
      expect(await perform(answering(current), calls.read, rules, signal)).toEqual({ kind: 'read', result: current });
    }
    for (const result of [null, { ...record, version: 'w', remainingMs: undefined }])
      expect(await perform(answering([result]), calls.renew, rules, signal)).toEqual({ kind: 'renew', result });
    for (const result of [true, false])
      expect(await perform(answering(result), calls.release, rules, signal)).toEqual({ kind: 'release', result });
  });
});

it('isStoreFailed knows its code, and no other', () => {
  expect(isStoreFailed(new HoldfastError('STORE_FAILED', 'x'))).toBe(true);
  for (const other of [new HoldfastError('CLOSED', 'x'), new Error('STORE_FAILED'), undefined])
    expect(isStoreFailed(other)).toBe(false);
});

describe('whoever is told such things', () => {
  it.each([...noRecords, ...others])('does not lead by a grant of %s', async (_, one) => {
    const { clock, candidate, seenAs, closeAll } = make();
    const mend = (nonce: string): unknown =>
      typeof one === 'object' && (one as LeaseRecord).nonce === 'n' ? { ...one, nonce } : one;
    const acquire = (async ({ nonce }) => ({ granted: true, record: mend(nonce) as LeaseRecord, predecessor: 'none' })) satisfies LeaseStore['acquire']; // prettier-ignore
    const terms: Term[] = [];
    void candidate('a', {}, seenAs({ acquire })).run((term) => terms.push(term));
    await clock.advance(10_000);
    expect(terms).toEqual([]);
    await closeAll();
  });

  it('loses its term in time when renewals are answered with garbage', async () => {
    const { clock, candidate, seenAs, memory, log, closeAll } = make();
    const renew: LeaseStore['renew'] = async (...args) => {
      const [one] = await memory.renew(...args);
      return [{ ...one!, remainingMs: -1 }];
    };
    void candidate('a', {}, seenAs({ renew })).run(untilStopped);
    await clock.advance(0.98 * ttlMs - 100);
    expect(log).toContain('a leading > atRisk: unanswered');
    expect(log).toContain('a atRisk > lost: expired');
    await closeAll();
  });

  it('does not lead with a token that goes back, and gives such a lease back', async () => {
    const { clock, candidate, seenAs, memory, settled, log, closeAll } = make();
    let lag = 0n;
    const lagging = (one: LeaseRecord): LeaseRecord => ({ ...one, token: one.token - lag });
    const store = seenAs({
      acquire: async (...args) => {
        const result = await memory.acquire(...args);
        return result.granted ? { ...result, record: lagging(result.record) } : result;
      },
      release: (held, end) => memory.release({ ...held, token: held.token + lag }, end),
      read: async (...args) => {
        const one = await memory.read(...args);
        return one === null ? null : lagging(one);
      },
    });
    const election = candidate('a', {}, store);
    await clock.advance(10_000);
    await settled((await settled(election.acquire())).resign());
    lag = 5_000n;
    const next = election.acquire();
    await clock.advance(2_000);
    expect(election.term).toBe(undefined);
    expect(log).toContain('a acquiring > standby: staleToken');
    // The store's tokens are above it again, five seconds after the first.
    expect((await settled(next)).token).toBeGreaterThan(10_000n);
    expect(clock.now()).toBeGreaterThan(15_000);
    await settled(election.close());
    await closeAll();
  });

  it.each(noRecords.slice(1))('observes nothing of %s', async (_, one) => {
    const { clock, candidate, seenAs, memory, settled, closeAll } = make();
    let garbled = true;
    const read: LeaseStore['read'] = (...args) =>
      garbled ? Promise.resolve(one as LeaseRecord) : memory.read(...args);
    const shown: unknown[] = [];
    const observing = (async () => {
      for await (const leader of candidate('w', {}, seenAs({ read })).observe()) shown.push(leader);
    })();
    await clock.advance(5_000);
    expect(shown).toEqual([]);
    garbled = false;
    await clock.advance(2_000);
    expect(shown).toEqual([null]);
    await closeAll();
    await settled(observing);
  });
});
