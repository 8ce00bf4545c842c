import fc from 'fast-check';
import { type Call, splitTraffic } from 'holdfast/calls';
import { type Live } from 'holdfast/core';
import { isNoNodes, Rendezvous } from 'holdfast/hashing';
import { VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runs } from '../support/properties.ts';
import { bad, catchWarnings, expectInvalid, rejectionOf, thrownBy } from '../support/serving.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

interface Request {
  readonly user?: string | null;
}

const arm =
  (name: string): Call<Request, string> =>
  () =>
    Promise.resolve(name);
const arms = { a: arm('a'), b: arm('b'), c: arm('c') };
const key = ({ user }: Request) => user;
const users = Array.from({ length: 2_000 }, (_, i) => `user-${i}`);

const weight = fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 20 }));
const weights = fc.record({ a: weight, b: weight, c: weight }).filter(({ a, b, c }) => a + b + c > 0);

/** A live value that a test sets. */
function settable<T>(first: T): Live<T> & { current: T } {
  const changes = (): never => {
    throw new Error('not followed in the background');
  };
  return { current: first, version: 0, ready: Promise.resolve(first), changes, close: () => undefined };
}

describe('a key', () => {
  it('goes where it is assigned, the same in every process, and never to an arm of weight 0', async () => {
    await fc.assert(
      fc.asyncProperty(weights, fc.string(), fc.string(), async (shares, salt, user) => {
        const split = splitTraffic(arms, { weights: shares, salt, key });
        const assigned = split.assign(user);
        expect(await split({ user })).toBe(assigned);
        expect(splitTraffic(arms, { weights: { ...shares }, salt, key }).assign(user)).toBe(assigned);
        expect(shares[assigned]).toBeGreaterThan(0);
      }),
      { numRuns: runs(3) },
    );
  });

  it('moves from one arm to another only if the other’s weight grew against the one’s', () => {
    fc.assert(
      fc.property(weights, weights, (before, after) => {
        const live = settable(before);
        const split = splitTraffic(arms, { weights: live, salt: 'x', key });
        const first = users.slice(0, 500).map((user) => split.assign(user));
        live.current = after;
        for (const [i, from] of first.entries()) {
          const to = split.assign(users[i]!);
          if (from !== to) expect(after[to] * before[from]).toBeGreaterThan(before[to] * after[from]);
        }
      }),
      { numRuns: runs(1) },
    );
  });

  it('moves, when the weights of two arms change, no more often than the shares must', () => {
    const two = fc.record({ a: weight, b: weight }).filter(({ a, b }) => a + b > 0);
    fc.assert(
      fc.property(two, two, (before, after) => {
        const { a, b } = arms;
        const one = splitTraffic({ a, b }, { weights: before, salt: 'x', key });
        const other = splitTraffic({ a, b }, { weights: after, salt: 'x', key });
        const moved = users.filter((user) => one.assign(user) !== other.assign(user)).length / users.length;
        const least = Math.abs(before.a / (before.a + before.b) - after.a / (after.a + after.b));
        // ε = 5 σ of 2,000 keys.
        expect(Math.abs(moved - least)).toBeLessThan(0.056);
      }),
      { numRuns: runs(1) },
    );
  });

  it('that is in an arm that alone grows stays there', () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 20 }), (before, more) => {
        const one = splitTraffic(arms, { weights: before, salt: 'x', key });
        const other = splitTraffic(arms, { weights: { ...before, b: before.b + more }, salt: 'x', key });
        for (const user of users.slice(0, 300)) {
          if (one.assign(user) === 'b') expect(other.assign(user)).toBe('b');
          else expect([one.assign(user), 'b']).toContain(other.assign(user));
        }
      }),
      { numRuns: runs(0.5) },
    );
  });

  it('falls by the weights, and independently under another salt', () => {
    const options = { weights: { a: 5, b: 15, c: 80 }, key };
    const split = splitTraffic(arms, { ...options, salt: 'one' });
    const other = splitTraffic(arms, { ...options, salt: 'two' });
    const both = { a: 0, b: 0, c: 0, same: 0 };
    for (const user of users) {
      both[split.assign(user)]++;
      if (split.assign(user) === other.assign(user)) both.same++;
    }
    // ε = 4 σ.
    expect(Math.abs(both.a / 2_000 - 0.05)).toBeLessThan(0.02);
    expect(Math.abs(both.b / 2_000 - 0.15)).toBeLessThan(0.032);
    expect(Math.abs(both.same / 2_000 - (0.05 ** 2 + 0.15 ** 2 + 0.8 ** 2))).toBeLessThan(0.045);
  });

  it('falls where it fell in every version: these are part of the API', () => {
    const split = splitTraffic(arms, { weights: { a: 1, b: 1, c: 2 }, salt: 'golden', key });
    expect(['', 'ann', 'bob', 'user:42', 'ключ', '🍵'].map((user) => split.assign(user)).join('')).toBe('cacbca');
    expect(split.assign(new TextEncoder().encode('ann'))).toBe(split.assign('ann'));
  });
});

describe('a request without a key', () => {
  const options = { weights: { a: 1, b: 3, c: 0 }, salt: 's', key };

  it.each([undefined, null])('(%s) is refused by default', async (user) => {
    const split = splitTraffic(arms, options);
    expectInvalid(
      await rejectionOf(() => split({ user: bad(user) })),
      `the key of a request must be a string or bytes, got ${String(user)}`,
    );
  });

  it('goes to an arm by chance and weight', async () => {
    const seen: string[] = [];
    for (const chance of [0, 0.24, 0.25, 0.26, 0.99999999999, 1 - 2 ** -53]) {
      const runtime = { clock: bad({ now: () => 0, setTimer: () => 0, sleep: () => 0 }), random: () => chance };
      seen.push(await splitTraffic(arms, { ...options, keyless: 'random', runtime })({}));
    }
    expect(seen).toEqual(['a', 'a', 'b', 'b', 'b', 'b']);
  });

  it('goes by the least chance to the first arm that has weight', async () => {
    const runtime = { clock: new VirtualClock(), random: () => 0 };
    const split = splitTraffic(arms, { ...options, weights: { a: 0, b: 0, c: 1 }, keyless: 'random', runtime });
    expect(await split({})).toBe('c');
  });

  it('goes to the arm that is named, even one without weight', async () => {
    const keyless: { arm: keyof typeof arms } = { arm: 'c' };
    const split = splitTraffic(arms, { ...options, keyless });
    keyless.arm = 'a'; // options are read once
    expect(await split({})).toBe('c');
  });

  it('of an empty text has one', async () => {
    expect(['a', 'b']).toContain(await splitTraffic(arms, options)({ user: '' }));
  });
});

describe('a split', () => {
  it('never turns to another arm when one fails, and hands on what it was given', async () => {
    const seen: unknown[] = [];
    const failing: Call<Request, string> = (request, options) => {
      seen.push(request, options);
      throw new Error('a is down');
    };
    const split = splitTraffic({ a: failing, b: arm('b') }, { weights: { a: 1, b: 0 }, salt: '', key });
    const [request, callOptions] = [{ user: 'ann' }, { deadline: 5 }];
    expect(await rejectionOf(() => split(request, callOptions))).toMatchObject({ message: 'a is down' });
    expect(seen).toEqual([request, callOptions]);
    expect(seen[1]).toBe(callOptions);
  });

  it('of no weight at all says so', async () => {
    const split = splitTraffic(arms, { weights: { a: 0, b: 0, c: 0 }, salt: '', key, keyless: 'random' });
    expect(isNoNodes(await rejectionOf(() => split({ user: 'ann' })))).toBe(true);
    expect(isNoNodes(await rejectionOf(() => split({})))).toBe(true);
    const thrown = thrownBy(() => split.assign('ann'));
    expect(isNoNodes(thrown)).toBe(true);
    expect(thrown).toHaveProperty('message', 'no arm of the split has weight');
  });

  it('keeps the last good weights when live ones turn bad, and says so once', () => {
    const warnings = catchWarnings();
    const live = settable<Record<'a' | 'b' | 'c', number>>({ a: 1, b: 0, c: 0 });
    const split = splitTraffic(arms, { weights: live, salt: '', key });
    for (const broken of [{ a: 1 }, { a: -1, b: 0, c: 0 }, { a: 1, b: 1, c: 1, d: 1 }, null, 'x']) {
      live.current = bad(broken);
      for (let i = 0; i < 5; i++) expect(split.assign(`${i}`)).toBe('a');
    }
    expect(warnings).toHaveLength(5);
    const refused = 'holdfast: a live set of weights was refused, the last one stays: ';
    expect(warnings[0]!.message).toBe(`${refused}weights.b must be a number, got undefined`);
    expect(warnings[3]!.message).toBe(`${refused}weights must be an object, got null`);
    live.current = { a: 0, b: 1, c: 0 };
    expect(split.assign('0')).toBe('b');
  });

  it('is placed anew only when the weights are another object', () => {
    const made = vi.spyOn(Rendezvous.prototype, 'get');
    const live = settable({ a: 1, b: 1, c: 1 });
    const split = splitTraffic(arms, { weights: live, salt: '', key });
    for (let i = 0; i < 10; i++) split.assign('ann');
    live.current = { ...live.current };
    split.assign('ann');
    expect(new Set(made.mock.contexts).size).toBe(2);
  });
});

describe('splitTraffic refuses', () => {
  const options = { weights: { a: 1, b: 1, c: 1 }, salt: '', key };
  const noArms = 'arms must be an object of at least one call, by name, got';
  const noKeyless = 'keyless must be "reject" or "random" or { arm: one of "a", "b", "c" }, got';
  it.each<[unknown, unknown, string]>([
    [{}, options, `${noArms} an object`],
    [{ a: 5 }, options, `${noArms} an object`],
    [{ ...arms, b: 5 }, options, `${noArms} an object`],
    [null, options, `${noArms} null`],
    [undefined, options, `${noArms} undefined`],
    ['arms', options, `${noArms} "arms"`],
    [Object.assign(() => 'a', arms), options, `${noArms} a function`],
    [arms, null, 'splitTraffic options must be an object, got null'],
    [
      arms,
      { ...options, weight: {} },
      'splitTraffic has no option "weight"; it has weights, salt, key, keyless, runtime',
    ],
    [arms, { ...options, weights: undefined }, 'weights must be an object, got undefined'],
    [arms, { ...options, weights: { a: 1, b: 1 } }, 'weights.c must be a number, got undefined'],
    [
      arms,
      { ...options, weights: { a: 1, b: 1, c: 1, d: 1 } },
      'a name in weights must be one of "a", "b", "c", got "d"',
    ],
    [arms, { ...options, salt: undefined }, 'salt must be a string, got undefined'],
    [arms, { ...options, key: undefined }, 'key must be a function, got undefined'],
    [arms, { ...options, key: 'user' }, 'key must be a function, got "user"'],
    [arms, { ...options, keyless: { arm: 'd' } }, `${noKeyless} an object`],
    [arms, { ...options, keyless: 'a' }, `${noKeyless} "a"`],
    [arms, { ...options, keyless: null }, `${noKeyless} null`],
    [arms, { ...options, keyless: Object.assign(() => 'a', { arm: 'a' }) }, `${noKeyless} a function`],
  ])('%j, %j', (which, what, message) => {
    expectInvalid(
      thrownBy(() => splitTraffic(bad(which), bad(what))),
      message,
    );
  });

  it('a weight that is none', () => {
    for (const c of [-1, Number.NaN, Infinity, '1', 2_000_000])
      expect(() => splitTraffic(arms, { ...options, weights: bad({ a: 1, b: 1, c }) })).toThrow('weight');
  });
});
