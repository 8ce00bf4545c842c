import { LoadBalancer } from 'holdfast/balancing';
import type { Live } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { bad, catchWarnings, expectInvalid, steady, thrownBy } from '../support/serving.ts';
import { brief } from './brief.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

interface Server {
  readonly id: string;
  readonly url?: string;
}

const runtime = steady(new VirtualClock());
const ids = (balancer: Pick<LoadBalancer<unknown>, 'stats'>): readonly string[] =>
  balancer.stats().members.map(({ id }) => id);

/** A list that changes, made by hand. */
class Membership<T> implements Live<T> {
  version = 0;
  reads = 0;
  #current: T;

  constructor(current: T) {
    this.#current = current;
  }

  get current(): T {
    this.reads++;
    return this.#current;
  }

  set current(value: T) {
    this.#current = value;
    this.version++;
  }

  get ready(): Promise<T> {
    return Promise.resolve(this.#current);
  }

  changes(): AsyncIterable<T> {
    throw new Error('a balancer reads `current` and follows nothing');
  }

  close(): void {
    throw new Error('a balancer does not close what it does not own');
  }
}

function track(balancer: Pick<LoadBalancer<unknown>, 'on'>): unknown[] {
  const changes: unknown[] = [];
  balancer.on('update', (change) => changes.push(change));
  return changes;
}

describe('update', () => {
  it('keeps what is known of the ids that stay, takes their new objects, and the new order', () => {
    const [old, other] = [{ id: 'a', url: 'old' }, { id: 'b' }];
    const balancer = new LoadBalancer<Server>([old, other], { runtime });
    const first = balancer.pick({ avoid: new Set([other]) });
    balancer.pick({ avoid: new Set([other]) });
    balancer.pick({ avoid: new Set([old]) });
    const renewed = { id: 'a', url: 'new' };
    balancer.update([{ id: 'c' }, { id: 'b' }, renewed]);
    expect(brief(balancer)).toEqual({
      members: [
        { id: 'c', pending: 0 },
        { id: 'b', pending: 1 },
        { id: 'a', pending: 2 },
      ],
    });
    expect(first.member).toBe(old);
    first.release();
    balancer.update([renewed]);
    expect(balancer.pick().member).toBe(renewed);
  });

  it('does not forget what is in flight for a member that goes and comes back', () => {
    const balancer = new LoadBalancer(['a', 'b'], { runtime });
    const leases = [1, 2, 3].map(() => balancer.pick({ avoid: new Set(['b']) }));
    balancer.update(['b']);
    balancer.update([]);
    leases[0]!.release();
    balancer.update(['b', 'a']);
    expect(brief(balancer)).toEqual({
      members: [
        { id: 'b', pending: 0 },
        { id: 'a', pending: 2 },
      ],
    });
    expect(balancer.pick().member).toBe('b');
    leases.forEach((lease) => lease.release());
    balancer.update(['b']);
    balancer.update(['a', 'b']);
    expect(brief(balancer).members[0]).toEqual({ id: 'a', pending: 0 });
  });

  it('lets go of a member that is gone as soon as nothing is in flight for it', async () => {
    const balancer = new LoadBalancer<Server>([{ id: 'a' }], { runtime, acceptEmpty: true });
    const seen = ((): WeakRef<Server> => {
      const lease = balancer.pick();
      balancer.update([]);
      lease.release();
      return new WeakRef(lease.member);
    })();
    // A WeakRef holds on until the end of the turn in which it was made.
    await new Promise(setImmediate);
    await globalThis.gc!({ execution: 'async' });
    expect(seen.deref()).toBeUndefined();
    expect(ids(balancer)).toEqual([]);
  });

  it('tells of the ids that are new and that are gone, and of nothing when they are the same', () => {
    const balancer = new LoadBalancer<Server>([{ id: 'a' }, { id: 'b' }], { runtime, acceptEmpty: true });
    const changes = track(balancer);
    balancer.update([{ id: 'b' }, { id: 'a' }]);
    expect(changes).toEqual([]);
    balancer.update([{ id: 'c' }, { id: 'b' }, { id: 'd' }]);
    balancer.update([]);
    expect(changes).toEqual([
      { added: ['c', 'd'], removed: ['a'] },
      { added: [], removed: ['c', 'b', 'd'] },
    ]);
  });

  it('works after close, for those in flight', () => {
    const balancer = new LoadBalancer(['a'], { runtime });
    balancer.close();
    balancer.update(['b']);
    expect(ids(balancer)).toEqual(['b']);
  });

  it.each([
    [['a', 'b', 'a'], 'members must have distinct ids, got "a" twice'],
    [['b', 5], 'the id of a member must be a string (give LoadBalancer an `id` function), got 5'],
    ['ab', 'members must be an array or a Live of one, got "ab"'],
  ])('of a bad list %j is refused and changes nothing', (list, message) => {
    const balancer = new LoadBalancer(['a', 'b'], { runtime });
    const changes = track(balancer);
    const lease = balancer.pick();
    expectInvalid(
      thrownBy(() => balancer.update(bad(list))),
      message,
    );
    expect(ids(balancer)).toEqual(['a', 'b']);
    expect(brief(balancer).members).toContainEqual({ id: lease.member, pending: 1 });
    expect(changes).toEqual([]);
  });

  it('that is refused changes no object either', () => {
    const old = { id: 'a', url: 'old' };
    const balancer = new LoadBalancer<Server>([old], { runtime });
    thrownBy(() => balancer.update([{ id: 'a', url: 'new' }, { id: 'b' }, { id: 'b' }]));
    expect(balancer.pick().member).toBe(old);
  });

  it('reads every id once', () => {
    let reads = 0;
    const balancer = new LoadBalancer([1, 2, 3], { id: (n) => `${String(n)}/${String(reads++)}`, runtime });
    expect(ids(balancer)).toEqual(['1/0', '2/1', '3/2']);
  });

  it('takes no note of what the caller does with the array later', () => {
    const list = ['a', 'b'];
    const balancer = new LoadBalancer(list, { runtime });
    list.push('a');
    expect(ids(balancer)).toEqual(['a', 'b']);
  });
});

describe('a listener of `update`', () => {
  it('may look at the balancer, which has changed already, and hears of each change once', () => {
    const balancer = new LoadBalancer(['a', 'b'], { runtime });
    const seen: unknown[] = [];
    balancer.on('update', (change) => {
      seen.push(change, ids(balancer));
      balancer.pick().release();
    });
    const lease = balancer.pick({ avoid: new Set(['a']) });
    balancer.update(['b', 'c']);
    expect(seen).toEqual([{ added: ['c'], removed: ['a'] }, ['b', 'c']]);
    expect(brief(balancer).members[0]).toEqual({ id: 'b', pending: 1 });
    lease.release();
    expect(brief(balancer).members[0]).toEqual({ id: 'b', pending: 0 });
  });

  it('may update the balancer, and the last update is the one that holds', () => {
    const balancer = new LoadBalancer(['a'], { runtime });
    const changes = track(balancer);
    balancer.once('update', () => balancer.update(['c']));
    balancer.update(['b']);
    expect(ids(balancer)).toEqual(['c']);
    expect(changes).toEqual([
      { added: ['b'], removed: ['a'] },
      { added: ['c'], removed: ['b'] },
    ]);
  });

  it('that throws is reported; the update holds and the others hear of it', () => {
    const warnings = catchWarnings();
    const balancer = new LoadBalancer(['a'], { runtime });
    balancer.on('update', () => {
      throw new Error('broken');
    });
    const changes = track(balancer);
    balancer.update(['b']);
    expect(ids(balancer)).toEqual(['b']);
    expect(changes).toEqual([{ added: ['b'], removed: ['a'] }]);
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a listener of "update" failed: broken']);
  });
});

describe('a live membership', () => {
  it('is read at each call, and its changes are told then, not before', async () => {
    const live = new Membership(['a']);
    const balancer = new LoadBalancer(live, { runtime });
    const changes = track(balancer);
    expect(balancer.pick().member).toBe('a');
    live.current = ['b'];
    expect(changes).toEqual([]);
    expect(await balancer.run((member) => member)).toBe('b');
    expect(changes).toEqual([{ added: ['b'], removed: ['a'] }]);
    live.current = ['c'];
    expect(balancer.pick().member).toBe('c');
    live.current = ['d', 'a'];
    expect(brief(balancer)).toEqual({
      members: [
        { id: 'd', pending: 0 },
        { id: 'a', pending: 1 },
      ],
    });
    expect(live.reads).toBe(5);
  });

  it('may become empty where that is accepted, and then no request is taken', async () => {
    const live = new Membership(['a']);
    const balancer = new LoadBalancer(live, { runtime, acceptEmpty: true });
    live.current = [];
    await expect(balancer.run(() => 'never')).rejects.toMatchObject({
      code: 'NO_MEMBERS',
      message: 'the load balancer has no members',
    });
    live.current = ['b'];
    expect(await balancer.run((member) => member)).toBe('b');
  });

  it.each<[unknown, string]>([
    [['b', 'b'], 'members must have distinct ids, got "b" twice'],
    [[{ id: 5 }], 'the id of a member must be a string (give LoadBalancer an `id` function), got 5'],
    [undefined, 'members must be an array or a Live of one, got undefined'],
  ])('that turns bad, %j, is reported once, and the members stay', (list, message) => {
    const warnings = catchWarnings();
    const live = new Membership(['a']);
    const balancer = new LoadBalancer(live, { runtime });
    balancer.pick();
    live.current = bad(list);
    balancer.pick();
    for (let i = 0; i < 3; i++) expect(brief(balancer)).toEqual({ members: [{ id: 'a', pending: 2 }] });
    expect(warnings.map((warning) => warning.message)).toEqual([
      `holdfast: a live membership was refused, the last one stays: ${message}`,
    ]);
    expectInvalid(warnings[0]!.cause, message);
    live.current = ['b'];
    expect(ids(balancer)).toEqual(['b']);
    live.current = bad(list);
    expect(ids(balancer)).toEqual(['b']);
    expect(warnings).toHaveLength(2);
  });

  it('that is bad from the start, or given to update, is refused at once', () => {
    const live = new Membership(['a', 'a']);
    const message = 'members must have distinct ids, got "a" twice';
    expectInvalid(
      thrownBy(() => new LoadBalancer(live, { runtime })),
      message,
    );
    const good = new Membership(['x']);
    const balancer = new LoadBalancer(good, { runtime });
    expectInvalid(
      thrownBy(() => balancer.update(live)),
      message,
    );
    good.current = ['y'];
    expect(ids(balancer)).toEqual(['y']);
    live.current = ['z'];
    expect(ids(balancer)).toEqual(['y']);
  });

  it('takes the place of a fixed one and gives it up again by update', () => {
    const balancer = new LoadBalancer<string>(['a'], { runtime });
    const live = new Membership(['b']);
    balancer.update(live);
    live.current = ['c'];
    expect(ids(balancer)).toEqual(['c']);
    balancer.update(['d']);
    live.current = ['e'];
    expect(ids(balancer)).toEqual(['d']);
  });
});

describe('a list without members', () => {
  it('after one with members is not taken, and `emptyUpdate` tells of it', async () => {
    const balancer = new LoadBalancer(['a', 'b'], { runtime });
    const [changes, empty] = [track(balancer), [] as unknown[]];
    balancer.on('emptyUpdate', (event) => empty.push(event));
    const lease = balancer.pick();
    balancer.update([]);
    expect(empty).toEqual([{ kept: 2 }]);
    expect(brief(balancer).members).toContainEqual({ id: lease.member, pending: 1 });
    expect(await balancer.run((member) => member)).toMatch(/[ab]/);
    balancer.update(['c']);
    expect(changes).toEqual([{ added: ['c'], removed: ['a', 'b'] }]);
  });

  it('of a live list is told once, however often it is looked at', () => {
    const live = new Membership(['a']);
    const balancer = new LoadBalancer(live, { runtime });
    let told = 0;
    balancer.on('emptyUpdate', () => told++);
    live.current = [];
    for (let i = 0; i < 3; i++) expect(ids(balancer)).toEqual(['a']);
    expect(told).toBe(1);
    live.current = [];
    expect(ids(balancer)).toEqual(['a']);
    expect(told).toBe(2);
    live.current = ['b'];
    expect(ids(balancer)).toEqual(['b']);
  });

  it('is taken where it is accepted, and at the beginning', () => {
    const balancer = new LoadBalancer<string>([], { runtime, acceptEmpty: true });
    let told = 0;
    balancer.on('emptyUpdate', () => told++);
    expect(ids(balancer)).toEqual([]);
    balancer.update(['a']);
    balancer.update([]);
    expect(ids(balancer)).toEqual([]);
    const cautious = new LoadBalancer<string>([], { runtime });
    cautious.on('emptyUpdate', () => told++);
    cautious.update([]);
    expect(ids(cautious)).toEqual([]);
    expect(told).toBe(0);
  });
});

describe('the id of a member', () => {
  it('is the member itself when it is a string, else its `id`, inherited or not', () => {
    class Client {
      readonly #name: string;
      constructor(name: string) {
        this.#name = name;
      }
      get id(): string {
        return this.#name;
      }
    }
    const balancer = new LoadBalancer<unknown>(['a', { id: 'b' }, new Client('c')], { runtime });
    expect(balancer.stats().members.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  it('is what the `id` option says', () => {
    const balancer = new LoadBalancer(
      [
        { id: 'x', url: 'a' },
        { id: 'x', url: 'b' },
      ],
      { id: ({ url }) => url, runtime },
    );
    expect(ids(balancer)).toEqual(['a', 'b']);
  });

  it.each(['__proto__', 'constructor', 'toString', '', ' ', '\u0000'])('may be %j', (id) => {
    const balancer = new LoadBalancer<Server>([{ id }, { id: 'other' }], { runtime });
    const changes = track(balancer);
    const lease = balancer.pick({ avoid: new Set([{ id }]) });
    expect(balancer.stats().members).toHaveLength(2);
    expect(balancer.stats().members[0]!.id).toBe(id);
    lease.release();
    balancer.update([{ id: 'other' }]);
    balancer.update([{ id: 'other' }, { id }]);
    expect(changes).toEqual([
      { added: [], removed: [id] },
      { added: [id], removed: [] },
    ]);
    expect({}).not.toHaveProperty('pending');
  });

  it('function that throws refuses the list with its error', () => {
    const broken = new Error('broken');
    const id = (n: number): string => {
      if (n > 1) throw broken;
      return String(n);
    };
    expect(thrownBy(() => new LoadBalancer([1, 2], { id, runtime }))).toBe(broken);
    const balancer = new LoadBalancer([1], { id, runtime });
    expect(thrownBy(() => balancer.update([0, 2]))).toBe(broken);
    expect(ids(balancer)).toEqual(['1']);
  });
});
