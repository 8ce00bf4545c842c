import { isInvalidOption } from 'holdfast/core';
import {
  createSim,
  isSimFailure,
  type Sim,
  type SimFailure,
  type SimRunOptions,
  type SimSettings,
} from 'holdfast/testing';
import { describe, expect, test } from 'vitest';

const refused = expect.objectContaining({ code: 'INVALID_OPTION' }) as Error;

/** How a simulation fails. */
const failureOf = async (
  make: (sim: Sim) => void,
  run: SimRunOptions = {},
  settings: SimSettings = {},
): Promise<SimFailure> => {
  const sim = createSim({ seed: 4, ...settings });
  make(sim);
  const failure: unknown = await sim.run(run).then(
    () => 'no failure',
    (error: unknown) => error,
  );
  if (!isSimFailure(failure)) throw new Error('no failure of the simulation', { cause: failure });
  // What has failed stays so.
  await expect(sim.run()).rejects.toBe(failure);
  return failure;
};

const ticking = (sim: Sim, everyMs = 10): void => {
  sim.node('clock', ({ runtime: { clock } }) => {
    const tick = (): unknown => clock.setTimer(everyMs, tick);
    tick();
  });
};

describe('always', () => {
  test('fails after the very event, and says where, with what came before, and how to repeat it', async () => {
    const failure = await failureOf(
      (sim) => {
        ticking(sim);
        sim.always('it is early', () => sim.nowMs < 50);
      },
      {},
      { traceLines: 3, replay: (seed) => `SIM_SEED=${String(seed)} npx vitest run x` },
    );
    expect(failure).toMatchObject({ kind: 'always', seed: 4, atMs: 50, steps: 6, code: 'SIMULATION_FAILED' });
    expect(failure.message).toBe(
      [
        'does not always hold: it is early',
        '  at seed 4, 50.000 virtual ms, 6 steps',
        '  the last of the trace:',
        '        30.000 clock: timer',
        '        40.000 clock: timer',
        '        50.000 clock: timer',
        '  to repeat it: SIM_SEED=4 npx vitest run x',
      ].join('\n'),
    );
    expect(failure.trace.length).toBe(3);
  });

  test('sees what promise chains have led to, however deep, before the next event', async () => {
    let depth = 0;
    const failure = await failureOf((sim) => {
      sim.node('a', () => {
        void (async () => {
          for (let i = 0; i < 1_000; i++) await Promise.resolve();
          depth = 1_000;
        })();
      });
      sim.node('b', () => undefined);
      sim.always('shallow', () => depth === 0);
    });
    expect(failure.steps).toBe(1);
  });

  test('an error is a violation, and so is anything but true', async () => {
    const cause = new Error('not so');
    const thrown = await failureOf((sim) => {
      ticking(sim);
      sim.always('x', () => {
        throw cause;
      });
    });
    expect([thrown.kind, thrown.cause]).toEqual(['always', cause]);
    for (const odd of [undefined, Promise.resolve(true), 1]) {
      const failure = await failureOf((sim) => {
        ticking(sim);
        sim.always('x', () => odd as never);
      });
      expect(failure.kind).toBe('always');
    }
  });
});

test('sometimes counts what was reached: a condition once, a mark each time', async () => {
  const sim = createSim({ seed: 1 });
  ticking(sim);
  sim.sometimes('late', () => sim.nowMs >= 30);
  sim.sometimes('never', () => false);
  const mark = sim.sometimes('marked');
  sim.at(5, mark);
  sim.at(6, mark);
  expect((await sim.run({ untilMs: 20 })).sometimes).toEqual({ late: 0, never: 0, marked: 2 });
  expect((await sim.run({ untilMs: 100 })).sometimes).toEqual({ late: 1, never: 0, marked: 2 });
});

describe('eventually', () => {
  const pauseAt = (atMs: number) => ({ type: 'pause', node: 'clock', atMs, forMs: 100 }) as const;

  test('counts from the end of the last fault: in time is well, to the millisecond', async () => {
    const sim = createSim({ seed: 1 });
    ticking(sim);
    sim.schedule([pauseAt(100), pauseAt(300)]);
    sim.eventually('late', () => sim.nowMs >= 450, 50);
    await sim.run({ untilMs: 1_000 });
  });

  test('too late is a failure, at the very end of its time', async () => {
    const failure = await failureOf(
      (sim) => {
        ticking(sim, 1_000);
        sim.schedule([pauseAt(300)]);
        sim.eventually('late', () => sim.nowMs > 450, 50);
      },
      { untilMs: 5_000 },
    );
    expect(failure).toMatchObject({ kind: 'eventually', atMs: 450, plan: [pauseAt(300)] });
    expect(failure.message).toContain('not within 50 ms after the last fault: late');
    expect(failure.message).toContain('under the faults [{"type":"pause","node":"clock","atMs":300,"forMs":100}]');
  });

  test('what was reached before a fault is to be reached again', async () => {
    let leader = true;
    const failure = await failureOf((sim) => {
      ticking(sim);
      sim.at(100, () => {
        sim.crash('clock');
        leader = false;
      });
      sim.eventually('a leader', () => leader, 70);
    });
    expect(failure).toMatchObject({ kind: 'eventually', atMs: 170 });
  });

  test('what was so before the last fault was over does not count', async () => {
    const failure = await failureOf((sim) => {
      ticking(sim);
      sim.schedule([pauseAt(300)]);
      sim.eventually('early', () => sim.nowMs < 400, 50);
    });
    expect(failure).toMatchObject({ kind: 'eventually', atMs: 450 });
  });

  test('a fault that strikes nobody counts too: nothing is judged before all are over', async () => {
    const sim = createSim({ seed: 1 });
    ticking(sim);
    const crash = { type: 'crash', node: 'clock' } as const;
    sim.schedule([
      { ...crash, atMs: 100, forMs: 100 },
      { ...crash, atMs: 150, forMs: 1_000 },
    ]);
    sim.eventually('late', () => sim.nowMs >= 1_180, 50);
    await sim.run({ untilMs: 2_000 });
  });

  test('a run that ends before it can be judged proves nothing, and says so', async () => {
    const failure = await failureOf(
      (sim) => {
        ticking(sim);
        sim.eventually('x', () => false, 100);
      },
      { untilMs: 99 },
    );
    expect(failure.message).toContain('the run ended before it could be judged: x');
  });
});

describe('a run', () => {
  test('ends when a condition holds, when time is up, when nothing is left to do; and goes on', async () => {
    const sim = createSim({ seed: 1 });
    sim.node('a', ({ runtime: { clock } }) => void clock.sleep(1_000));
    expect((await sim.run({ untilMs: 100 })).virtualMs).toBe(100);
    expect((await sim.run({ until: () => sim.nowMs >= 1_000 })).virtualMs).toBe(1_000);
    expect(await sim.run()).toMatchObject({ virtualMs: 1_000, steps: 2 });
    expect((await sim.run({ untilMs: 5_000 })).virtualMs).toBe(5_000);
  });

  test('that waits in vain fails', async () => {
    const empty = await failureOf((sim) => sim.node('a', () => undefined), { until: () => false });
    const late = await failureOf(ticking, { until: () => false, untilMs: 100 });
    expect([empty.kind, late.kind, late.atMs]).toEqual(['until', 'until', 100]);
  });

  test('in which nothing will ever happen, and a start has not ended, is a deadlock', async () => {
    const failure = await failureOf((sim) => {
      sim.node('a', () => 1);
      sim.node('stuck', () => new Promise(() => undefined));
      sim.node('down', () => new Promise(() => undefined));
      sim.at(1, () => sim.crash('down'));
    });
    expect(failure.kind).toBe('deadlock');
    expect(failure.message).toContain('start has not ended: stuck (');
  });

  test('that takes too many steps, or stands still, is a livelock', async () => {
    const many = await failureOf(ticking, { maxSteps: 100 });
    expect([many.kind, many.steps]).toEqual(['livelock', 100]);
    const still = await failureOf((sim) => ticking(sim, 0));
    expect(still).toMatchObject({ kind: 'livelock', atMs: 0 });
    expect(still.message).toContain('time does not move on');
    const long = createSim({ seed: 1, traceLines: 0 });
    ticking(long, 1);
    expect((await long.run({ untilMs: 150_000 })).steps).toBe(150_001);
  });

  test('in which code throws or leaves a rejection unhandled names the node, with the cause', async () => {
    const cause = new Error('oops');
    const fails: [string, (sim: Sim) => unknown][] = [
      ['a failed', (sim) => sim.node('a', () => Promise.reject(cause))],
      [
        'a failed',
        (sim) =>
          sim.node('a', ({ runtime: { clock } }) => {
            clock.setTimer(1, () => {
              throw cause;
            });
          }),
      ],
      [
        'b failed',
        (sim) => {
          sim.node('a', (env) => env.send('b', 1));
          sim.node('b', (env) => {
            env.onMessage(() => {
              throw cause;
            });
          });
        },
      ],
      [
        'a left a rejection unhandled',
        (sim) =>
          sim.node('a', ({ runtime: { clock } }) => {
            void clock.sleep(1).then(() => {
              throw cause;
            });
          }),
      ],
      [
        'the scenario failed',
        (sim) =>
          sim.at(1, () => {
            throw cause;
          }),
      ],
    ];
    for (const [what, make] of fails) {
      const failure = await failureOf(make);
      expect([failure.kind, failure.cause]).toEqual(['error', cause]);
      expect(failure.message.startsWith(what)).toBe(true);
    }
  });

  test('in which code takes time or chance from the platform fails, though the code should catch it', async () => {
    const uses: [string, () => unknown][] = [
      ['Date.now', () => Date.now()],
      ['new Date()', () => new Date()],
      ['Date()', () => Date()],
      ['performance.now', () => performance.now()],
      ['Math.random', () => Math.random()],
      ['setTimeout', () => setTimeout(() => undefined, 1)],
      ['setInterval', () => setInterval(() => undefined, 1)],
      ['setImmediate', () => setImmediate(() => undefined)],
      ['crypto.randomUUID', () => crypto.randomUUID()],
      ['AbortSignal.timeout', () => AbortSignal.timeout(1)],
    ];
    const before = uses.map(([, use]) => String(use));
    for (const [name, use] of uses) {
      const failure = await failureOf((sim) =>
        sim.node('a', async () => {
          await Promise.resolve();
          try {
            use();
          } catch {
            // Swallowed.
          }
        }),
      );
      expect(failure.kind).toBe('ambient');
      expect(failure.message.startsWith(`${name} was used while a simulation ran`)).toBe(true);
      expect((failure.cause as Error).stack).toContain('invariants.test.ts');
    }
    expect(before.length).toBe(uses.length);
    for (const [, use] of uses.slice(0, 5)) use();
    const sim = createSim({ seed: 1, ambient: 'allow' });
    sim.node('a', () => [Math.random(), Date.now()]);
    await sim.run();
    const other = createSim({ seed: 1 });
    other.node('a', () => new Date(5).getTime());
    await other.run();
  });
});

test('what makes no sense is refused at the door', async () => {
  const sim = createSim({ seed: 1 });
  sim.node('a', () => undefined);
  sim.always('taken', () => true);
  sim.sometimes('taken');
  sim.sometimes('taken');
  sim.eventually('taken', () => true, 1);
  const bad: (() => unknown)[] = [
    () => createSim({} as never),
    () => createSim({ seed: 1, sead: 2 } as never),
    () => createSim({ seed: 1, link: { loss: 2 } }),
    () => createSim({ seed: 1, clocks: { maxDrift: 1 } }),
    () => createSim({ seed: 1, ambient: 'maybe' as never }),
    () => sim.node('a', () => undefined),
    () => sim.node('b', undefined as never),
    () => sim.node('b', () => undefined, { rate: 0 }),
    () => sim.node('b', () => undefined, { calls: { refused: -1 } }),
    () => sim.pause('nobody'),
    () => sim.partition('a', ['nobody']),
    () => sim.link('a', 'a', { loss: Number.NaN }),
    () => sim.skew('a', { rate: -1 }),
    () => sim.calls('a', { late: 3 }),
    () => sim.at(-1, () => undefined),
    () => sim.schedule([{ type: 'flood' } as never]),
    () => sim.schedule([{ type: 'pause', node: 'a', atMs: 1 } as never]),
    () => sim.eventually('x', () => true, -1),
    () => sim.always('x', true as never),
    () => sim.always('taken', () => true),
    () => sim.sometimes('taken', () => true),
    () => sim.eventually('taken', () => true, 1),
  ];
  for (const make of bad) expect(() => make(), String(make)).toThrow(refused);
  await expect(sim.run({ untilMs: -1 })).rejects.toSatisfy(isInvalidOption);
  const running = sim.run();
  await expect(sim.run()).rejects.toSatisfy(isInvalidOption);
  await running;
});
