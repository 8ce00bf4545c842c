/* The lengths of an election: what they are when nobody says so, and which do not fit together. */

import { Election, MemoryLeaseStore } from 'holdfast/election';
import { describe, expect, it } from 'vitest';
import { timingFrom } from '../../src/election/rules.ts';
import { expectInvalid, thrownBy } from '../support/serving.ts';
import { make } from './support/electorate.ts';

const limits = { minTtlMs: 1, stepMs: 1 };

describe('lengths', () => {
  it.each([
    [undefined, { ttlMs: 10_000, guardMs: 500, spreadMs: 1_000 }],
    [1_000, { ttlMs: 1_000, guardMs: 100, spreadMs: 100 }],
    [60_000, { ttlMs: 60_000, guardMs: 3_000, spreadMs: 1_000 }],
  ])('follow from that of the lease (%s)', (ttlMs, lengths) => {
    const length = lengths.ttlMs;
    const rest = { renewMs: length / 3, requestMs: length / 4, lockDelayMs: 0, drainMs: 10_000 };
    expect(timingFrom({ ttlMs }, limits)).toEqual({ ...lengths, ...rest });
  });

  it('that leave just time for a renewal to fail once are taken, and one millisecond less is not', () => {
    // 0.98 × 10_000 - 800 = 1.1 × 5_000 + 2 × 1_750
    const lengths = { ttlMs: 10_000, guardMs: 800, renewMs: 5_000, requestMs: 1_750 };
    expect(timingFrom(lengths, limits)).toMatchObject(lengths);
    expectInvalid(
      thrownBy(() => timingFrom({ ...lengths, guardMs: 801 }, limits)),
      '1.1 × renewMs + 2 × requestMs must be <= 0.98 × ttlMs - guardMs, so that a renewal can fail once, got 9000 > 8999',
    );
    expectInvalid(
      thrownBy(() => timingFrom({ ttlMs: 500 }, limits)),
      '1.1 × renewMs + 2 × requestMs must be <= 0.98 × ttlMs - guardMs, so that a renewal can fail once, got 433.333 > 390',
    );
  });

  it('at the very limits of the store are within them', () => {
    const store = make().seenAs({ limits: { minTtlMs: 2_000, maxTtlMs: 4_000, stepMs: 1_000 } });
    for (const ttlMs of [2_000, 4_000]) expect(new Election(store, { name: 'x', ttlMs, id: 'a' }).id).toBe('a');
  });
});

describe('an option', () => {
  const word = 'a string of 1 to 512 characters';
  it.each<[object, string]>([
    [{ name: 'x'.repeat(513) }, `name must be ${word}, got "${'x'.repeat(60)}…"`],
    [{ name: 'x', id: '' }, `id must be ${word}, got ""`],
    [{ name: ['x'] }, `name must be ${word}, got an array of 1`],
    [{ name: 'x', id: 5 }, `id must be ${word}, got 5`],
    [{ name: 'x', renewMs: 0.5 }, 'renewMs must be a finite number >= 1, got 0.5'],
    [{ name: 'x', requestMs: 0 }, 'requestMs must be a finite number >= 1, got 0'],
    [{ name: 'x', guardMs: -1 }, 'guardMs must be a finite number >= 0, got -1'],
    [{ name: 'x', lockDelayMs: NaN }, 'lockDelayMs must be a finite number >= 0, got NaN'],
    [{ name: 'x', spreadMs: '1' }, 'spreadMs must be a finite number >= 0, got "1"'],
    [{ name: 'x', drainMs: Infinity }, 'drainMs must be a finite number >= 0, got Infinity'],
    [{ name: 'x', rank: 1_001 }, 'rank must be an integer from 0 to 1000, got 1001'],
    [{ name: 'x', rank: 0.5 }, 'rank must be an integer from 0 to 1000, got 0.5'],
    [{ name: 'x', meta: () => 1 }, 'meta must be what JSON can say, got function meta'],
  ])('%o is refused', (options, message) => {
    expectInvalid(
      thrownBy(() => new Election(new MemoryLeaseStore(), options as never)),
      message,
    );
  });

  it('at its limit is taken', () => {
    const name = 'x'.repeat(512);
    const options = { name, id: name, rank: 1_000, guardMs: 0, lockDelayMs: 0, spreadMs: 0, drainMs: 0 };
    expect(new Election(new MemoryLeaseStore(), options).id).toBe(name);
    // Long enough for what has to fit into it.
    const short = { name, ttlMs: 5, renewMs: 1, requestMs: 1, guardMs: 1 };
    expect(new Election(new MemoryLeaseStore(), short).term).toBe(undefined);
  });

  it.each(['acquire', 'renew', 'release', 'read'] as const)('that is a store has %s', (method) => {
    const store = make().seenAs({ [method]: undefined });
    expectInvalid(
      thrownBy(() => new Election(store, { name: 'x' })),
      'store must be a LeaseStore, got an object',
    );
  });
});
