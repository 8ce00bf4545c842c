/** The models of the peers' algorithms do what was published of them. */
import fc from 'fast-check';
import { latency, seededRandom, type SimulatedServer, VirtualClock } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { p2cLeastLoaded } from '../../simulations/policies/p2c-least-loaded.ts';
import { p2cPeakEwma } from '../../simulations/policies/p2c-peak-ewma.ts';
import { palantir } from '../../simulations/policies/palantir.ts';
import { type MakePolicy, twoOf } from '../../simulations/policies/policy.ts';
import { roundRobin } from '../../simulations/policies/round-robin.ts';
import { policies } from '../../simulations/policies/index.ts';
import { World } from '../../simulations/world.ts';

interface Stage {
  readonly clock: VirtualClock;
  /** Who takes the next call; it goes on until it is ended. */
  take(): Promise<Taken>;
}

interface Taken {
  readonly index: number;
  end(ok?: boolean): Promise<void>;
}

/** A policy over servers that do nothing: the test ends the calls. */
function stageOf(make: MakePolicy, count: number, seed = 1): Stage {
  const clock = new VirtualClock();
  const servers = Array.from({ length: count }, (_, index) => ({ index }) as unknown as SimulatedServer);
  const policy = make(servers, { clock, random: seededRandom(seed) });
  return {
    clock,
    async take() {
      let taken: Taken | undefined;
      const call = policy.run(
        (server) =>
          new Promise<void>((resolve, reject) => {
            const { index } = server as unknown as { readonly index: number };
            taken = {
              index,
              async end(ok = true) {
                if (ok) resolve();
                else reject(new Error('failed'));
                await call.catch(() => undefined);
              },
            };
          }),
      );
      return Promise.resolve(taken!);
    },
  };
}

test('two choices are two different ones, each pair equally often', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 6 }), fc.integer(), (count, seed) => {
      const runtime = { clock: new VirtualClock(), random: seededRandom(seed) };
      const found = new Map<string, number>();
      const draws = 400 * count * (count - 1);
      for (let i = 0; i < draws; i++) {
        const [a, b] = twoOf(count, runtime);
        expect(a).not.toBe(b);
        found.set(`${String(a)} ${String(b)}`, (found.get(`${String(a)} ${String(b)}`) ?? 0) + 1);
      }
      expect(found.size).toBe(count * (count - 1));
      for (const times of found.values()) expect(Math.abs(times - 400)).toBeLessThan(120);
    }),
    { numRuns: 20 },
  );
});

test('round robin: of as many calls in a row as there are servers, each has one', async () => {
  const { take } = stageOf(roundRobin, 5);
  const order = await Promise.all(Array.from({ length: 20 }, async () => (await take()).index));
  for (let i = 0; i + 5 <= 20; i++) expect(new Set(order.slice(i, i + 5)).size).toBe(5);
});

test('p2c least loaded: of two servers the one with fewer calls in flight', async () => {
  const { take } = stageOf(p2cLeastLoaded, 2);
  const first = await take();
  const second = await take();
  expect(second.index).toBe(1 - first.index);
  await first.end(false);
  expect((await take()).index).toBe(first.index);
});

test('p2c peak EWMA: jumps up at once, comes down with 10 s, and counts what is in flight', async () => {
  const { clock, take } = stageOf(p2cPeakEwma, 2);
  const slow = await take();
  const fast = await take();
  expect(fast.index).toBe(1 - slow.index); // nothing is known of either, and the first is busy
  await clock.advance(100);
  await fast.end();
  await clock.advance(900);
  await slow.end();
  // 1000 ms against 100 ms: six more in flight are still cheaper, (6 + 1) · 100 · e^-0.09 < 1000; at ten they are not.
  const taken = [];
  for (let i = 0; i < 12; i++) taken.push((await take()).index);
  expect(taken.slice(0, 7)).toEqual(new Array(7).fill(fast.index));
  expect(taken).toContain(slow.index);
});

test('p2c peak EWMA: a quick failure is a quick answer', async () => {
  const { clock, take } = stageOf(p2cPeakEwma, 2);
  const [bad, good] = [await take(), await take()];
  await clock.advance(1);
  await bad.end(false);
  await clock.advance(99);
  await good.end();
  const next = await take();
  expect(next.index).toBe(bad.index);
});

test('palantir: calls in flight and recent failures, ten for one, halved in 30 s by steps of 3 s', async () => {
  const { clock, take } = stageOf(palantir(), 2);
  const bad = await take();
  await bad.end(false);
  /** How many calls the other takes before the failed one is as good. */
  const lead = async (): Promise<number> => {
    const open: Taken[] = [];
    for (let taken = await take(); taken.index !== bad.index; taken = await take()) open.push(taken);
    return open.length;
  };
  const before = await lead();
  expect([10, 11]).toContain(before);
  await clock.advance(29_999);
  const more = stageOf(palantir(), 2);
  const failed = await more.take();
  await failed.end(false);
  await more.clock.advance(30_000);
  let others = 0;
  for (let taken = await more.take(); taken.index !== failed.index; taken = await more.take()) others++;
  expect([5, 6]).toContain(others);
});

test('palantir: an answer of the 400s hardly counts', async () => {
  const { take } = stageOf(palantir(0.1), 2);
  const bad = await take();
  await bad.end(false);
  const next = new Set<number>();
  for (let i = 0; i < 40; i++) {
    const taken = await take();
    next.add(taken.index);
    await taken.end();
  }
  expect(next.size).toBe(2);
});

test.each(Object.keys(policies))('%s: a passed deadline calls off and counts as over', async (name) => {
  const world = new World(1);
  const servers = world.servers(2, () => ({
    latency: latency.constant(50),
    phases: [{ fromMs: 0, condition: 'silent' }],
  }));
  const policy = policies[name]!(servers, world.runtime('client'));
  const call = policy.run((server, limits) => server.call(undefined, limits), 100);
  const ended = call.catch(() => world.clock.now());
  await world.run();
  expect(await ended).toBe(100);
  expect(servers.map((server) => server.stats().cancelled).reduce((a, b) => a + b)).toBe(1);
});
