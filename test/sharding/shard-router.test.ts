import { isInvalidOption, type Live } from 'holdfast/core';
import { isNoNodes, type Placement, type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { ShardRouter } from 'holdfast/sharding';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../hashing/support.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';
import { named, routerOf } from './support.ts';

const warnings = recordWarnings();
const ids = (nodes: readonly PlacementNode[]): string[] => nodes.map(({ id }) => id);

/** Reads `count` times, `everyMs` apart. */
function read(at: ReturnType<typeof routerOf>, key: string, count: number, everyMs = 0): void {
  for (let i = 0; i < count; i++) {
    at.clock.nowMs += everyMs;
    at.router.read(key);
  }
}

describe('ShardRouter', () => {
  it('spreads a key at once and gathers it again a step at a time, as snapshot and events say', () => {
    const at = routerOf(named(6), { targetRate: 100, max: 4, coolDownMs: 5_000 });
    const { router, clock } = at;
    const order = ids(new Rendezvous(named(6)).getN('k', 6));
    const events: string[] = [];
    router.on('hot', ({ key, before, replicas, reason, rate, added }) => {
      events.push(`hot ${String(key)} ${before}>${replicas} ${reason} ${rate} +${ids(added).join()}`);
    });
    router.on('cool', ({ before, replicas, reason, retiring }) => {
      events.push(`cool ${before}>${replicas} ${reason} ~${ids(retiring).join()} @${clock.nowMs}`);
    });
    router.on('retired', ({ nodes }) => events.push(`retired ${ids(nodes).join()} @${clock.nowMs}`));

    read(at, 'k', 100);
    expect(router.snapshot().keys).toEqual([]);
    read(at, 'k', 150);
    expect(events).toEqual([`hot k 1>2 rate 101 +${order[1]!}`, `hot k 2>3 rate 201 +${order[2]!}`]);
    expect(ids(router.replicas('k'))).toEqual(order.slice(0, 3));
    expect(router.snapshot().keys).toEqual([
      {
        key: 'k',
        replicas: 3,
        reason: 'rate',
        sinceMs: 0,
        nodes: order.slice(0, 3),
        retiring: [],
        rate: 250,
        lower: 250,
        upper: 250,
      },
    ]);
    events.length = 0;
    for (let i = 0; i < 40; i++) {
      clock.nowMs += 500;
      router.snapshot();
    }
    // The reads have left both windows at 2,000 ms. Until then they are 166 a second or more, and 150 is the lower edge.
    expect(events).toEqual([
      `cool 3>2 cooled ~${order[2]!} @7000`,
      `retired ${order[2]!} @12000`,
      `cool 2>1 cooled ~${order[1]!} @12000`,
      `retired ${order[1]!} @17000`,
    ]);
    expect(router.snapshot().keys).toEqual([]);
  });

  it('goes on writing what may have been read', () => {
    const at = routerOf(named(6), { targetRate: 10, max: 3, coolDownMs: 1_000, nodeFactor: Infinity });
    read(at, 'k', 30);
    const hot = ids(at.router.write('k'));
    expect(hot).toHaveLength(3);
    at.clock.nowMs = 2_000; // nothing in the last window: cool from here
    expect(ids(at.router.replicas('k'))).toEqual(hot);
    at.clock.nowMs = 3_000;
    expect(ids(at.router.replicas('k'))).toEqual(hot.slice(0, 2));
    expect(ids(at.router.write('k'))).toEqual(hot);
    expect(at.router.snapshot().keys[0]?.retiring).toEqual([hot[2]]);
    at.clock.nowMs = 4_000;
    expect(ids(at.router.write('k'))).toEqual(hot.slice(0, 2));
    at.clock.nowMs = 5_000;
    expect(ids(at.router.write('k'))).toEqual(hot.slice(0, 1));
  });

  it('reaches old and new places of a key for coolDownMs after a move', () => {
    const at = routerOf(['a', 'b'], { targetRate: 10, coolDownMs: 1_000 });
    const key = named(40).find((one) => new Rendezvous(['a', 'b', 'c']).get(one)?.id === 'c')!;
    const owner = at.router.read(key).id;
    const moved: unknown[] = [];
    at.router.on('moved', ({ added, removed }) => moved.push([added, removed]));
    at.router.update(new Rendezvous(['a', 'b', 'c']));
    expect(moved).toEqual([[['c'], []]]);
    expect(at.router.read(key).id).toBe('c');
    expect(ids(at.router.write(key))).toEqual(['c', owner]);
    at.clock.nowMs = 999;
    expect(at.router.snapshot().formerPlacements).toBe(1);
    at.clock.nowMs = 1_000;
    expect(ids(at.router.write(key))).toEqual(['c']);
    at.router.update(new Rendezvous(['c', 'b', 'a']));
    expect(moved).toHaveLength(1);
  });

  it('remembers 32 former placements at most, and two alike as one', () => {
    const at = routerOf(['a'], { targetRate: 10 });
    for (let i = 0; i < 10; i++) at.router.update(new Rendezvous([i % 2 === 0 ? 'b' : 'a']));
    expect(at.router.snapshot().formerPlacements).toBe(2);
    for (let i = 0; i < 100; i++) at.router.update(new Rendezvous([`n${String(i)}`]));
    expect(at.router.snapshot().formerPlacements).toBe(32);
  });

  it('reads the less busy of two replicas', () => {
    const at = routerOf(['a', 'b'], { targetRate: 1e9, base: 2, max: 2 });
    const leases = Array.from({ length: 10 }, () => at.router.acquire('k'));
    expect(at.router.snapshot().nodes.map(({ inFlight }) => inFlight)).toEqual([5, 5]);
    for (const lease of leases.filter(({ node }) => node.id === 'a')) lease.release();
    for (let i = 0; i < 5; i++) expect(at.router.acquire('k').node.id).toBe('a');
  });

  it('reads from every replica alike when nobody is busy', () => {
    const at = routerOf(named(3), { targetRate: 1e9, base: 3, max: 3 });
    const counts = new Map<string, number>();
    // N = 3,000, seed 1: 1,000 each with a standard deviation of 26; tolerance 5 of those.
    for (let i = 0; i < 3_000; i++) {
      const { id } = at.router.read('k');
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    for (const id of named(3)) expect(Math.abs(counts.get(id)! - 1_000)).toBeLessThanOrEqual(130);
  });

  it('avoids a replica while there is another', () => {
    const at = routerOf(['a', 'b'], { targetRate: 1e9, base: 2, max: 2 });
    const [first, second] = at.router.replicas('k') as [PlacementNode, PlacementNode];
    for (let i = 0; i < 20; i++) expect(at.router.read('k', { avoid: new Set([first]) })).toBe(second);
    expect(at.router.read('k', { avoid: new Set([first, second]) })).toBeDefined();
    expect(() => at.router.read('k', { avoid: [] as never })).toThrow('avoid must be a Set, got an array of 0');
  });

  it('spreads the keys of a hot node, though none of them is hot, and keeps them spread while that is needed', () => {
    const nodes = named(8);
    const owner = (key: string): string => new Rendezvous(nodes).get(key)!.id;
    const all = Array.from({ length: 400 }, (_, i) => `k${String(i)}`);
    const crowd = all.filter((key) => owner(key) === 'n0').slice(0, 6);
    const others = nodes.slice(1).map((id) => all.find((key) => owner(key) === id)!);
    const at = routerOf(nodes, { targetRate: 100, coolDownMs: 2_000, nodeFactor: 2 });
    const reasons = new Set<string>();
    let [ups, downs] = [0, 0];
    at.router.on('hot', ({ reason }) => (ups++, reasons.add(reason)));
    at.router.on('cool', () => downs++);
    const run = (seconds: number): void => {
      for (let i = 0; i < seconds * 50; i++) {
        at.clock.nowMs += 20;
        for (const key of [...crowd, ...others]) at.router.read(key); // 50 a second each, below targetRate
      }
    };
    run(1.5);
    expect(
      at.router
        .snapshot()
        .nodes.filter(({ hot }) => hot)
        .map(({ id, keys }) => [id, keys.length]),
    ).toEqual([['n0', 6]]);
    run(20);
    expect(at.router.snapshot().nodes.every(({ hot }) => !hot)).toBe(true);
    expect([...reasons]).toEqual(['node']);
    [ups, downs] = [0, 0];
    run(30);
    expect([ups, downs]).toEqual([0, 0]);
    at.clock.nowMs += 5_000;
    at.router.snapshot();
    at.clock.nowMs += 20_000;
    expect(at.router.snapshot().keys).toEqual([]);
  });

  it('does not let several keys give up replicas for the same free room', () => {
    const nodes = named(8);
    const owner = (key: string): string => new Rendezvous(nodes).get(key)!.id;
    const all = Array.from({ length: 400 }, (_, i) => `k${String(i)}`);
    const crowd = all.filter((key) => owner(key) === 'n0').slice(0, 6);
    const others = nodes.slice(1).map((id) => all.find((key) => owner(key) === id)!);
    const at = routerOf(nodes, { targetRate: 130, coolDownMs: 2_000 });
    const counts = { hot: 0, cool: 0 };
    at.router.on('hot', () => counts.hot++);
    at.router.on('cool', () => counts.cool++);
    const run = (seconds: number, readsOfOthers: number): void => {
      for (let i = 0; i < seconds * 50; i++) {
        at.clock.nowMs += 20;
        for (const key of crowd) at.router.read(key); // 50 a second
        for (const key of others) for (let n = 0; n < readsOfOthers; n++) at.router.read(key);
      }
    };
    run(20, 1);
    expect(counts.hot).toBeGreaterThanOrEqual(5);
    counts.hot = 0;
    // The others get busier, so n0 may have more: room for some of the six keys, not for all.
    run(60, 2);
    expect(counts.hot).toBe(0);
    expect(counts.cool).toBeGreaterThan(0);
  });

  it('has at most `capacity` keys spread at a time', () => {
    const at = routerOf(named(4), { targetRate: 1, coolDownMs: 1e9 }, { capacity: 3 });
    for (let i = 0; i < 50; i++) {
      read(at, `k${String(i)}`, 5);
      at.clock.nowMs += 2_000;
    }
    expect(at.router.snapshot().keys).toHaveLength(3);
  });

  it('keeps a key of a megabyte at base', () => {
    const at = routerOf(named(4), { targetRate: 1 });
    read(at, 'k'.repeat(1_000_000), 20);
    expect(at.router.write('k'.repeat(1_000_000))).toHaveLength(1);
  });

  it('takes a string and its bytes for one key', () => {
    const at = routerOf(named(4), { targetRate: 10 });
    for (let i = 0; i < 20; i++) at.router.read(new TextEncoder().encode('schlüssel'));
    expect(at.router.write('schlüssel')).toHaveLength(2);
    // Without a UTF-8 form: one key with U+FFFD, as in placement.
    for (let i = 0; i < 20; i++) at.router.read(i % 2 === 0 ? 'a\ud800' : 'a\udfff');
    expect(at.router.write('a\ufffd')).toHaveLength(2);
    expect(at.router.snapshot().keys.map(({ key }) => key)).toContain('a\ufffd');
    for (let i = 0; i < 20; i++) at.router.read(Uint8Array.of(0xff, 0xfe));
    expect(at.router.write(Uint8Array.of(0xff, 0xfe))).toHaveLength(2);
  });

  it('follows a live placement and stays with the last good one', async () => {
    const live: Live<Placement<PlacementNode>> & { current: Placement<PlacementNode> } = {
      current: new Rendezvous(['a']),
      version: 1,
      ready: new Promise(() => undefined),
      changes: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
      close: () => undefined,
    };
    const router = new ShardRouter<PlacementNode>(live, { replication: { targetRate: 1 } });
    let moves = 0;
    router.on('moved', () => moves++);
    live.current = new Rendezvous(['b']);
    expect(router.read('k').id).toBe('b');
    expect(moves).toBe(1);
    live.current = 7 as never;
    expect(router.read('k').id).toBe('b');
    expect(router.read('k').id).toBe('b');
    await warningsSettled();
    expect(warnings).toHaveLength(1);
    live.current = new Rendezvous(['a']);
    expect(router.read('k').id).toBe('a');
    expect(moves).toBe(2);
  });

  it('gives the newest object of a node', () => {
    const router = new ShardRouter(new Rendezvous([{ id: 'a', url: 'old' }]), {
      replication: { targetRate: 1, base: 2 },
    });
    router.read('k');
    router.update(new Rendezvous([{ id: 'a', url: 'new' }]));
    expect(router.read('k').url).toBe('new');
    expect(router.write('k').map(({ url }) => url)).toEqual(['new']);
    const drained = { id: 'a', url: 'newest', weight: 0 };
    router.update(new Rendezvous([drained, { id: 'b', url: 'other' }]));
    expect(router.write('k').map(({ url }) => url)).toEqual(['other', 'newest']);
  });

  it('may be asked and changed by its listeners', () => {
    const at = routerOf(named(4), { targetRate: 10 });
    const sizes: number[] = [];
    at.router.on('hot', ({ key }) => {
      sizes.push(at.router.replicas(key).length);
      at.router.update(new Rendezvous(['z']));
    });
    read(at, 'k', 12);
    expect(sizes).toEqual([2]);
    expect(at.router.read('k').id).toBe('z');
  });

  it('has nothing to give without nodes or without weight', () => {
    for (const nodes of [[], [{ id: 'a', weight: 0 }]]) {
      const { router } = routerOf(nodes, { targetRate: 1 });
      for (const ask of [() => router.read('k'), () => router.acquire('k'), () => router.write('k')])
        expect(isNoNodes(thrownBy(ask))).toBe(true);
      expect(router.replicas('k')).toEqual([]);
    }
  });

  it.each([
    [{}, 'replication must be an object, got undefined'],
    [{ replication: {} }, 'targetRate must be a finite number > 0, got undefined'],
    [{ replication: { targetRate: 0 } }, 'targetRate must be a finite number > 0, got 0'],
    [{ replication: { targetRate: Infinity } }, 'targetRate must be a finite number > 0, got Infinity'],
    [{ replication: { targetRate: 1, base: 0 } }, 'base must be an integer from 1 to 1000, got 0'],
    [{ replication: { targetRate: 1, base: 3, max: 2 } }, 'max must be an integer >= base (3), got 2'],
    [{ replication: { targetRate: 1, coolDownMs: 0 } }, 'coolDownMs must be a finite number >= 1, got 0'],
    [{ replication: { targetRate: 1, coolRatio: 1 } }, 'coolRatio must be a number above 0, below 1, got 1'],
    [{ replication: { targetRate: 1, nodeFactor: 1 } }, 'nodeFactor must be a number > 1, got 1'],
    [{ replication: { targetRate: 1, rate: 1 } }, 'replication has no option "rate"'],
    [
      { replication: { targetRate: 1 }, detector: { capacity: 0 } },
      'capacity must be an integer from 1 to 65536, got 0',
    ],
    [{ replication: { targetRate: 1 }, detector: { runtime: 1 } }, 'detector has no option "runtime"'],
    [{ replication: { targetRate: 1 }, runtime: 1 }, 'runtime must be a { clock, random } runtime, got 1'],
  ])('refuses the options %j', (options, message) => {
    const make = (): unknown => new ShardRouter(new Rendezvous(['a']), options as never);
    expect(make).toThrow(message);
    expect(isInvalidOption(thrownBy(make))).toBe(true);
  });

  it('refuses what is no placement and no key', () => {
    expect(() => new ShardRouter(['a'] as never, { replication: { targetRate: 1 } })).toThrow('placement must be a ');
    const { router } = routerOf(['a'], { targetRate: 1 });
    expect(() => router.update(null as never)).toThrow('placement must be a Placement or a Live of one, got null');
    const bad = 7 as never;
    const asks = [
      () => router.read(bad),
      () => router.acquire(bad),
      () => router.write(bad),
      () => router.replicas(bad),
    ];
    for (const ask of asks) expect(ask).toThrow(TypeError);
    expect(router.read('k').id).toBe('a');
  });
});
