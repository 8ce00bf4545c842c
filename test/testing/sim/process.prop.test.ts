import fc from 'fast-check';
import { createSim, type Fault, faults, latency } from 'holdfast/testing';
import { describe, expect, test } from 'vitest';
import { runs, seed as fcSeed } from '../../support/properties.ts';
import { chatter } from './chatter.ts';

const names = ['a', 'b', 'c'];
const horizonMs = 2_000;

describe('a pause', () => {
  const plans: fc.Arbitrary<Fault[]> = faults(fc, { nodes: names, horizonMs, types: ['pause'], maxForMs: 1_000 });

  test('delays everything, loses nothing, and keeps what a link brings in order', async () => {
    let delayed = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), plans, async (seed, plan) => {
        const sim = createSim({ seed });
        const { heard, said, nodes } = chatter(sim, names, 37.5, horizonMs);
        sim.schedule(plan);
        sim.always('nobody who is paused hears', () =>
          heard.every((one) => one.atMs < sim.nowMs || !nodes[names.indexOf(one.by)]!.paused),
        );
        await sim.run();
        expect(heard.length).toBe(said.length);
        for (const by of names) {
          for (const from of names) {
            const order = heard.filter((one) => one.by === by && one.from === from).map(({ n }) => n);
            expect(order).toEqual(order.toSorted((a, b) => a - b));
          }
        }
        const paused = (name: string, atMs: number): boolean =>
          plan.some((f) => f.type === 'pause' && f.node === name && f.atMs < atMs && atMs < f.atMs + f.forMs);
        for (const one of heard) {
          expect(paused(one.by, one.atMs)).toBe(false);
          expect(paused(one.from, one.sentMs)).toBe(false);
          if (one.atMs - one.sentMs > 20) delayed++;
        }
      }),
      { seed: fcSeed, numRuns: runs(0.5) },
    );
    expect(delayed).toBeGreaterThan(100);
  });

  test('its clock goes on: code sees the jump, and a timer that was due fires late, unless it was taken back', async () => {
    const sim = createSim({ seed: 1 });
    const seen: string[] = [];
    sim.node('a', ({ runtime: { clock } }) => {
      clock.setTimer(50, () => seen.push(`early ${String(clock.now())}`));
      const late = clock.setTimer(150, () => {
        seen.push(`late ${String(clock.now())}`);
        taken.cancel();
      });
      const taken = clock.setTimer(160, () => {
        seen.push(`later ${String(clock.now())}`);
        late.cancel();
      });
      clock.setTimer(1_100, () => seen.push(`after ${String(clock.now())}`));
    });
    sim.at(100, () => sim.pause('a'));
    sim.at(500, () => sim.pause('a'));
    sim.at(1_000, () => sim.resume('a'));
    await sim.run();
    expect(seen.length).toBe(3);
    expect([seen[0], seen[2]]).toEqual(['early 50', 'after 1100']);
    expect(['late 1000', 'later 1000']).toContain(seen[1]);
  });

  test('timers that were due during it come in any order: no code may rely on one', async () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const sim = createSim({ seed });
      const fired: number[] = [];
      sim.node('a', ({ runtime: { clock } }) => {
        for (const ms of [10, 20, 30]) clock.setTimer(ms, () => fired.push(ms));
      });
      sim.at(5, () => sim.pause('a'));
      sim.at(50, () => sim.resume('a'));
      await sim.run();
      orders.add(fired.join());
    }
    expect(orders.size).toBe(6);
  });

  test('two that overlap are over with the later; one that ends twice ends once', async () => {
    const trace: string[] = [];
    const sim = createSim({ seed: 1, onTrace: (line) => trace.push(line) });
    const node = sim.node('a', () => undefined);
    const paused: boolean[] = [];
    let [endOne, endOther] = [(): void => undefined, (): void => undefined];
    sim.at(1, () => (endOne = sim.pause('a')));
    sim.at(2, () => (endOther = sim.pause('a')));
    sim.at(3, () => endOne());
    sim.at(3, () => endOne());
    sim.at(3.5, () => paused.push(node.paused));
    sim.at(4, () => endOther());
    sim.at(4.5, () => paused.push(node.paused));
    await sim.run();
    expect(paused).toEqual([true, false]);
    expect(trace.filter((line) => line.includes('resume'))).toEqual(['       4.000 a: resume']);
  });
});

describe('a crash', () => {
  test('ends exactly that process: nothing of it is heard of again, the next one starts afresh, and others go on', async () => {
    const plans: fc.Arbitrary<Fault[]> = faults(fc, {
      nodes: ['a', 'b'],
      services: ['c'],
      horizonMs,
      types: ['crash', 'pause'],
    });
    let restarts = 0;
    await fc.assert(
      fc.asyncProperty(fc.nat(), plans, async (seed, plan) => {
        const sim = createSim({ seed });
        const alive = new Map<string, number>();
        const ticks: string[] = [];
        const nodes = names.map((name) =>
          sim.node(name, ({ incarnation, runtime: { clock } }) => {
            alive.set(name, incarnation);
            let memory = 0;
            void (async () => {
              while (sim.nowMs < horizonMs) {
                await clock.sleep(25);
                ticks.push(`${name} ${String(incarnation)} ${String(++memory)}`);
                if (alive.get(name) !== incarnation || !nodes[names.indexOf(name)]!.up) ticks.push('a ghost');
              }
            })();
            return { memory: () => memory };
          }),
        );
        sim.schedule(plan);
        sim.always('a node has a value while it is up, and none while it is down', () =>
          nodes.every(({ up, value }) => up === (value !== undefined)),
        );
        await sim.run();
        expect(ticks).not.toContain('a ghost');
        expect(nodes.every(({ up }) => up)).toBe(true);
        expect(nodes[2]!.incarnation).toBe(1);
        expect(nodes[2]!.value!.memory()).toBe(horizonMs / 25);
        restarts += nodes[0]!.incarnation - 1;
        for (const { incarnation, name } of nodes) expect(alive.get(name)).toBe(incarnation);
      }),
      { seed: fcSeed, numRuns: runs(0.5) },
    );
    expect(restarts).toBeGreaterThan(30);
  });

  test('what it has sent is under way; what comes while it is down is gone; a ghost reaches nobody', async () => {
    const trace: string[] = [];
    const sim = createSim({ seed: 1, link: { delay: latency.constant(10) }, onTrace: (line) => trace.push(line) });
    const heard: string[] = [];
    let ghost = (): void => undefined;
    sim.node('a', (env) => env.onMessage((message) => heard.push(String(message))));
    sim.node('b', (env) => {
      env.onMessage((message) => heard.push(`b${String(env.incarnation)} ${String(message)}`));
      if (env.incarnation > 1) return;
      env.send('a', 'last words');
      ghost = () => {
        env.send('a', 'boo');
        env.log('boo');
        env.runtime.clock.setTimer(1, () => heard.push('boo'));
        env.onMessage(() => heard.push('boo'));
        void env.runtime.clock.sleep(1).then(() => heard.push('boo'));
      };
    });
    sim.node('c', (env) => {
      for (const [ms, text] of [
        [0, 'to the dead'],
        [15, 'to the next'],
      ] as const)
        env.runtime.clock.setTimer(ms, () => env.send('b', text));
    });
    sim.at(5, () => {
      const restart = sim.crash('b');
      ghost();
      sim.at(20, restart);
    });
    const { network, steps } = await sim.run();
    expect(trace.filter((line) => line.includes('boo'))).toEqual([]);
    // No event of a ghost's: three starts, two scripts, two timers, three arrivals, one restart.
    expect(steps).toBe(11);
    expect(heard).toEqual(['last words', 'b2 to the next']);
    expect(network).toMatchObject({ sent: 3, delivered: 2, unheard: 1 });
  });

  test('a restart of one that runs is a crash and a start; the end of a crash starts nobody twice', async () => {
    const sim = createSim({ seed: 1 });
    const node = sim.node('a', () => undefined);
    sim.at(1, () => sim.restart('a'));
    sim.at(2, () => {
      const end = sim.crash('a');
      const late = sim.crash('a');
      sim.at(3, end);
      sim.at(3, end);
      sim.at(4, late);
    });
    await sim.run();
    expect(node.incarnation).toBe(3);
  });

  test('a process that dies paused leaves no pause', async () => {
    const sim = createSim({ seed: 1 });
    const node = sim.node('a', () => undefined);
    sim.at(1, () => {
      const resume = sim.pause('a');
      sim.restart('a');
      expect(node.paused).toBe(false);
      sim.at(2, resume);
    });
    await sim.run();
    expect([node.paused, node.incarnation]).toEqual([false, 2]);
  });

  test('takes what waited for it along: a held message is unheard', async () => {
    const sim = createSim({ seed: 1 });
    sim.node('a', () => undefined);
    sim.node('b', (env) => env.send('a', 1));
    sim.at(0, () => sim.pause('a'));
    sim.at(50, () => sim.restart('a'));
    const { network } = await sim.run();
    expect(network).toMatchObject({ sent: 1, unheard: 1, inFlight: 0 });
  });

  test('ends a start that has not ended: what it returns later is not seen, and its failure fails nothing', async () => {
    const sim = createSim({ seed: 1 });
    const later: (() => void)[] = [];
    const node = sim.node('a', ({ incarnation }) =>
      incarnation === 3
        ? 'third'
        : new Promise<string>((resolve, reject) => {
            later.push(() => (incarnation === 1 ? resolve('first') : reject(new Error('second'))));
          }),
    );
    sim.at(1, () => sim.restart('a'));
    sim.at(2, () => sim.restart('a'));
    sim.at(3, () => later.forEach((end) => end()));
    await sim.run();
    expect(node.value).toBe('third');
  });
});
