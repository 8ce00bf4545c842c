/** What a hostile reading of the folder found. */
import { isInvalidOption } from 'holdfast/core';
import { type Placement, type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { HotKeyDetector, shard } from 'holdfast/sharding';
import { seededRandom } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../hashing/support.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';
import { HandClock } from '../support/hand-clock.ts';
import { named, routerOf } from './support.ts';

const warnings = recordWarnings();
const ids = (nodes: readonly PlacementNode[]): string[] => nodes.map(({ id }) => id);
const nodes = ['a', 'b', 'c', 'd'];
const order = ids(new Rendezvous(nodes).getN('k', 4));

describe('a key without load', () => {
  it.each<[string, number, boolean]>([
    ['a node is busy for other reasons', 2, true],
    ['nodeFactor is below 1 / coolRatio', 1.3, false],
  ])('is back at base in time though %s', (_, nodeFactor, skewed) => {
    const { router, clock } = routerOf(nodes, { targetRate: 50, max: 4, coolDownMs: 1_000, nodeFactor });
    for (let i = 0; i < 1_000; i++) {
      clock.nowMs += 1;
      router.read('news');
    }
    expect(router.replicas('news')).toHaveLength(4);
    const placement = new Rendezvous(nodes);
    const others = Array.from({ length: 20_000 }, (__, i) => `u${String(i)}`);
    const ofA = others.filter((key) => placement.get(key)!.id === 'a');
    const random = seededRandom(2);
    const begun = clock.nowMs;
    // 500 reads a second of keys that are cold, 1.6 times its fair share of them on one node.
    for (let i = 0; clock.nowMs < begun + 4 * 1_000 + 3 * 1_000 + 250; i++) {
      clock.nowMs += 2;
      const pool = skewed && i % 20 < 5 ? ofA : others;
      router.read(pool[Math.floor(random() * pool.length)]!);
    }
    expect(router.replicas('news')).toHaveLength(1);
  });

  it('cools while nobody asks, as its events say afterwards, in their order and with their nodes', () => {
    const { router, clock } = routerOf(nodes, { targetRate: 10, max: 3, coolDownMs: 60_000 });
    const events: string[] = [];
    router.on('cool', ({ before, replicas, retiring }) =>
      events.push(`cool ${before}>${replicas} ${ids(retiring).join()}`),
    );
    router.on('retired', (event) => events.push(`retired ${ids(event.nodes).join()}`));
    for (let i = 0; i < 100; i++) router.read('k');
    clock.nowMs += 2_000 + 2 * 60_000;
    expect(ids(router.replicas('k'))).toEqual(order.slice(0, 1));
    expect(ids(router.write('k'))).toEqual(order.slice(0, 2));
    clock.nowMs += 10 * 3_600_000;
    expect(ids(router.write('k'))).toEqual(order.slice(0, 1));
    expect(events).toEqual([
      `cool 3>2 ${order[2]!}`,
      `retired ${order[2]!}`,
      `cool 2>1 ${order[1]!}`,
      `retired ${order[1]!}`,
    ]);
  });
});

describe('a placement that is refused', () => {
  const hollow = { get: () => undefined, getN: () => [], rank: () => [] } as unknown as Placement<PlacementNode>;

  it('leaves the last one, whether given or live', async () => {
    const { router } = routerOf(nodes, { targetRate: 10 });
    const error = thrownBy(() => {
      router.update(hollow);
    });
    expect(isInvalidOption(error)).toBe(true);
    expect(router.read('k').id).toBe(order[0]);
    let current: unknown = new Rendezvous(nodes);
    const live = {
      get current() {
        if (current instanceof Error) throw current;
        return current as Placement<PlacementNode>;
      },
      version: 1,
      ready: Promise.reject(new Error('not asked')),
      changes: () => [] as never,
      close: () => undefined,
    };
    live.ready.catch(() => undefined);
    router.update(live);
    current = hollow;
    expect(router.read('k').id).toBe(order[0]);
    current = new Error('config store is gone');
    expect(router.read('k').id).toBe(order[0]);
    expect(router.snapshot().nodes).toHaveLength(4);
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual([
      'holdfast: a live placement was refused, the last one stays: placement must be a Placement or a Live of one, got an object',
      'holdfast: a live placement could not be read, the last one stays: config store is gone',
    ]);
  });
});

describe('a long key', () => {
  it('is one key as a string and as its bytes, whichever is longer', () => {
    const key = 'é'.repeat(2_100); // 2,100 units, 4,200 bytes
    const bytes = new TextEncoder().encode(key);
    const { router } = routerOf(nodes, { targetRate: 10, max: 3 });
    for (let i = 0; i < 200; i++) router.read(key);
    expect(router.write(bytes)).toEqual(router.write(key));
    const detector = new HotKeyDetector();
    detector.record('é'.repeat(2_048));
    expect(detector.estimate(new TextEncoder().encode('é'.repeat(2_048))).upper).toBe(1);
    expect(detector.estimate(bytes).upper).toBe(Infinity);
  });

  it('that was cut out of a megabyte does not keep the megabyte', () => {
    const detector = new HotKeyDetector({ capacity: 256 });
    const body = (i: number): string => Buffer.alloc(1_000_000, `document ${String(i)} `).toString('latin1');
    gc!();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 64; i++) detector.record(body(i).slice(0, 20));
    gc!();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000);
    expect(detector.top(1)).toHaveLength(1);
  });
});

describe('one absurd reading of the clock', () => {
  it('is no reading', () => {
    const clock = new HandClock();
    const detector = new HotKeyDetector({ windowMs: 1_000, runtime: { clock, random: Math.random } });
    clock.nowMs = 1e300;
    detector.record('k');
    clock.nowMs = 0;
    for (let i = 0; i < 5_000; i++) {
      clock.nowMs += 10;
      detector.record('k');
    }
    expect(detector.estimate('k').rate).toBeGreaterThan(90);
    expect(detector.estimate('k').rate).toBeLessThan(110);
  });
});

describe('the load of nodes', () => {
  it('is not diluted by a pause before it, and hot in the same moment in which it is', () => {
    const { router, clock } = routerOf(named(5), { targetRate: 1e6, max: 3 });
    router.read('x');
    clock.nowMs += 3_600_000;
    for (let i = 0; i < 900; i++) {
      clock.nowMs += 1;
      router.read('k');
    }
    expect(Math.max(...router.snapshot().nodes.map(({ rate }) => rate))).toBe(900);
    const busy = routerOf(named(5), { targetRate: 1e5, max: 3 }).router;
    for (let i = 0; i < 500_000; i++) busy.read('k');
    expect(busy.snapshot().nodes.filter(({ hot }) => hot)).not.toHaveLength(0);
  });
});

describe('a snapshot', () => {
  it('names every node that is written and not read, those of a former placement as well', () => {
    const { router } = routerOf(['a', 'b', 'c', 'd', 'e'], { targetRate: 10, max: 3 });
    for (let i = 0; i < 200; i++) router.read('k');
    router.update(new Rendezvous(['v', 'w', 'x', 'y', 'z']));
    const [heat] = router.snapshot().keys;
    expect([...heat!.nodes, ...heat!.retiring]).toEqual(ids(router.write('k')));
    expect(heat!.retiring).toHaveLength(3);
  });
});

describe("shard with 'next'", () => {
  const failing = (tried: string[]) => (node: PlacementNode) => async (): Promise<string> => {
    tried.push(node.id);
    await Promise.resolve();
    throw new Error(node.id);
  };

  it('comes to those that are to be avoided last', async () => {
    const { router } = routerOf(nodes, { targetRate: 1e6, base: 4 });
    const tried: string[] = [];
    const get = shard(router, { key: () => 'k', call: failing(tried), onDown: 'next' });
    const placed = router.replicas('k');
    const hints = { avoid: new Set(placed.slice(0, 2)) };
    await expect(get('x', hints as object)).rejects.toThrow('all 4 replicas');
    expect(new Set(tried.slice(0, 2))).toEqual(new Set(order.slice(2)));
  });

  it('stays with the key that was asked for when the caller uses its bytes again', async () => {
    const { router } = routerOf(nodes, { targetRate: 1e6, base: 2 });
    const buffer = Buffer.from('k');
    const tried: string[] = [];
    const answer = shard(router, { key: () => buffer, call: failing(tried), onDown: 'next' })('x');
    buffer[0] = 0x71;
    await expect(answer).rejects.toThrow('all 2 replicas');
    expect(new Set(tried)).toEqual(new Set(order.slice(0, 2)));
  });

  it('hands on whom to avoid, and who was visited', async () => {
    const { router } = routerOf(nodes, { targetRate: 1e6 });
    const seen: unknown[] = [];
    const get = shard(router, {
      key: () => 'k',
      call: () => (_: string, options) => {
        const { avoid, visit } = options as unknown as { avoid: ReadonlySet<unknown>; visit: (one: unknown) => void };
        visit('a member below');
        return Promise.resolve(avoid.has('one that failed'));
      },
    });
    const hints = { avoid: new Set<unknown>(['one that failed']), visit: (one: unknown) => seen.push(one) };
    expect(await get('x', hints as object)).toBe(true);
    expect(seen).toEqual([router.replicas('k')[0], 'a member below']);
  });
});

describe('bad input', () => {
  it('is refused with a code: options that are none', () => {
    const { router } = routerOf(nodes, { targetRate: 10, base: 3 });
    expect(isInvalidOption(thrownBy(() => router.read('k', null as never)))).toBe(true);
    expect(isInvalidOption(thrownBy(() => router.acquire('k', 7 as never)))).toBe(true);
  });
});
