import { getEventListeners } from 'node:events';
import { HoldfastError, isHoldfastError } from 'holdfast/core';
import { type CallFaults, createSim, isFault, latency, type SimOptions } from 'holdfast/testing';
import { describe, expect, test } from 'vitest';

const options: SimOptions = { seed: 1, link: { delay: latency.constant(10) } };

/** A counter, called `times` times, 100 ms apart; what came of each call, if anything. */
const count = async (calls: CallFaults, times = 1) => {
  const sim = createSim(options);
  let applied = 0;
  const store = sim.node('store', () => ({ add: async () => ++applied }), { calls });
  const answers = new Map<number, { readonly value?: number; readonly error?: unknown; readonly tookMs: number }>();
  sim.node('a', (env) => {
    const remote = env.remote(store);
    for (let i = 0; i < times; i++) {
      env.runtime.clock.setTimer(100 * i, () => {
        const sentMs = sim.nowMs;
        remote.add().then(
          (value) => answers.set(i, { value, tookMs: sim.nowMs - sentMs }),
          (error: unknown) => answers.set(i, { error, tookMs: sim.nowMs - sentMs }),
        );
      });
    }
  });
  await sim.run();
  return { applied, answers };
};

describe('a call', () => {
  test('goes there and back', async () => {
    expect(await count({})).toEqual({ applied: 1, answers: new Map([[0, { value: 1, tookMs: 20 }]]) });
  });

  test('that is refused is not carried out', async () => {
    const { applied, answers } = await count({ refused: 1 });
    expect(applied).toBe(0);
    expect(isFault(answers.get(0)!.error)).toBe(true);
  });

  test('that is not acknowledged is carried out, and looks refused', async () => {
    const { applied, answers } = await count({ unacknowledged: 1 });
    expect(applied).toBe(1);
    expect(isFault(answers.get(0)!.error)).toBe(true);
  });

  test('that is not answered is carried out, and never settles', async () => {
    expect(await count({ unanswered: 1 })).toEqual({ applied: 1, answers: new Map() });
  });

  test('that is answered late is carried out in time', async () => {
    const { answers } = await count({ late: 1, lateMs: 500 }, 50);
    const took = [...answers.values()].map(({ tookMs }) => tookMs);
    expect(Math.min(...took)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...took)).toBeGreaterThan(400);
    expect(Math.max(...took)).toBeLessThan(520);
    expect(new Set([...answers.values()].map(({ value }) => value)).size).toBe(50);
  });

  test('has the same luck whatever the other faults: shares of 2,000 within 4 standard errors', async () => {
    const failed = async (faults: CallFaults): Promise<number[]> =>
      [...(await count(faults, 2_000)).answers].filter(([, { error }]) => error !== undefined).map(([i]) => i);
    const [few, more] = [await failed({ refused: 0.1 }), await failed({ refused: 0.3, late: 0.5 })];
    expect(few.every((i) => more.includes(i))).toBe(true);
    expect(Math.abs(few.length - 200)).toBeLessThan(4 * Math.sqrt(0.1 * 0.9 * 2_000));
    expect(Math.abs(more.length - 600)).toBeLessThan(4 * Math.sqrt(0.3 * 0.7 * 2_000));
    const { applied, answers } = await count({ unacknowledged: 0.2, unanswered: 0.2 }, 2_000);
    expect(applied).toBe(2_000);
    expect(answers.size).toBeLessThan(1_900);
  });

  test('over a link that loses one way: the call, or only its answer', async () => {
    for (const [from, to, applied] of [
      ['a', 'store', 0],
      ['store', 'a', 1],
    ] as const) {
      const sim = createSim(options);
      let added = 0;
      const store = sim.node('store', () => ({ add: async () => ++added }));
      let settled = false;
      sim.node('a', (env) => {
        void env
          .remote(store)
          .add()
          .finally(() => (settled = true));
      });
      sim.link(from, to, { loss: 1, oneWay: true });
      await sim.run();
      expect([added, settled]).toEqual([applied, false]);
    }
  });

  test('is called off at the caller alone; the other side gets a signal that never aborts', async () => {
    const sim = createSim(options);
    const got: AbortSignal[] = [];
    const store = sim.node('store', (env) => ({
      work: async (n: number, call: { readonly signal: AbortSignal; readonly n: number }, signal: AbortSignal) => {
        got.push(call.signal, signal);
        await env.runtime.clock.sleep(100, signal);
        env.log('worked');
        return n + call.n;
      },
    }));
    const results: unknown[] = [];
    const controller = new AbortController();
    const done = AbortSignal.abort('before');
    sim.node('a', (env) => {
      const { work } = env.remote(store);
      const note = (result: unknown): unknown => results.push([sim.nowMs, result]);
      work(1, { signal: controller.signal, n: 2 }, controller.signal).then(note, note);
      work(1, { signal: new AbortController().signal, n: 2 }, new AbortController().signal).then(note, note);
      work(1, { signal: done, n: 2 }, controller.signal).then(note, note);
      env.runtime.clock.setTimer(50, () => controller.abort('changed my mind'));
    });
    const { network } = await sim.run();
    expect(results).toEqual([
      [0, 'before'],
      [50, 'changed my mind'],
      [120, 3],
    ]);
    expect(got.length).toBe(4);
    expect(got.every((signal) => signal instanceof AbortSignal && !signal.aborted)).toBe(true);
    expect(network.sent).toBe(4);
  });

  test('shares no memory, brings errors as they were thrown, and reads constants', async () => {
    const sim = createSim(options);
    const kept: { list: number[] }[] = [];
    const store = sim.node('store', () => ({
      limits: { minMs: 1 },
      keep: async (value: { list: number[] }) => {
        kept.push(value);
        return value;
      },
      fail: async (): Promise<void> => {
        throw new HoldfastError('CLOSED', 'shut');
      },
      throws: (): Promise<void> => {
        throw new Error('at once');
      },
      watch: async () => 1,
    }));
    const seen: unknown[] = [];
    sim.node('a', async (env) => {
      const remote = env.remote(store, { without: ['watch'] });
      const mine = { list: [1] };
      const call = remote.keep(mine);
      mine.list.push(2);
      const back = await call;
      back.list.push(3);
      await remote.fail().catch((error: unknown) => seen.push(isHoldfastError(error, 'CLOSED')));
      await remote.throws().catch((error: unknown) => seen.push((error as Error).message));
      await remote.keep((() => 1) as never).catch((error: unknown) => seen.push((error as Error).name));
      remote.limits.minMs = 5;
      seen.push(remote.limits, 'keep' in remote, 'watch' in remote, remote.watch, 'nothing' in remote);
      seen.push(kept, mine, back);
    });
    await sim.run();
    expect(seen).toEqual([
      true,
      'at once',
      'DataCloneError',
      { minMs: 1 },
      true,
      false,
      undefined,
      false,
      [{ list: [1] }],
      { list: [1, 2] },
      { list: [1, 3] },
    ]);
  });

  test('to a node that has no such method, or has not come so far, is an error; to a dead one, nothing', async () => {
    const sim = createSim(options);
    const slow = sim.node('slow', async (env) => {
      await env.runtime.clock.sleep(50);
      return { ask: async () => 'ready' };
    });
    const seen: string[] = [];
    sim.node('a', (env) => {
      const ask = (): void => {
        const atMs = sim.nowMs;
        env
          .remote(slow)
          .ask()
          .then(
            (value) => seen.push(`${String(atMs)} ${value}`),
            (error: unknown) => seen.push(`${String(atMs)} ${(error as HoldfastError).code}`),
          );
      };
      for (const ms of [0, 60, 200, 320]) env.runtime.clock.setTimer(ms, ask);
    });
    sim.at(150, () => sim.at(300, sim.crash('slow')));
    await sim.run();
    expect(seen).toEqual(['0 INVALID_OPTION', '60 ready', '320 INVALID_OPTION']);
  });

  test('leaves no listener on its signal once it is answered', async () => {
    const { signal } = new AbortController();
    const sim = createSim(options);
    const store = sim.node('store', () => ({ ask: async (signal: AbortSignal) => signal.aborted }));
    sim.node('a', (env) => env.remote(store).ask(signal));
    sim.at(5, () => expect(getEventListeners(signal, 'abort').length).toBe(1));
    await sim.run();
    expect(getEventListeners(signal, 'abort').length).toBe(0);
  });

  test('that a dead process brings to an end is not answered', async () => {
    const sim = createSim(options);
    const ends: (() => void)[] = [];
    const store = sim.node('store', () => ({ ask: () => new Promise<void>((resolve) => ends.push(resolve)) }));
    let answered = false;
    sim.node(
      'a',
      (env) =>
        void env
          .remote(store)
          .ask()
          .then(() => (answered = true)),
    );
    sim.at(50, () => sim.restart('store'));
    sim.at(60, () => ends.forEach((end) => end()));
    await sim.run();
    expect([ends.length, answered]).toEqual([1, false]);
  });

  test('goes wrong as it was last told to; an end brings back what was before, if it is still its turn', async () => {
    const sim = createSim({ ...options, link: { delay: latency.constant(0) } });
    const store = sim.node('store', () => ({ ask: async () => 'ok' }));
    const seen: string[] = [];
    sim.node('a', (env) => {
      for (const ms of [5, 15, 25, 35, 45]) {
        env.runtime.clock.setTimer(ms, () => {
          env
            .remote(store)
            .ask()
            .then(
              (value) => seen.push(value),
              (error: unknown) => seen.push((error as Error).message),
            );
        });
      }
    });
    sim.at(10, () => {
      const stale = sim.calls('store', { refused: 1 });
      sim.at(20, () => {
        const end = sim.calls('store', { unacknowledged: 1 });
        sim.at(30, stale);
        sim.at(40, end);
      });
    });
    await sim.run();
    const [refused, unacknowledged] = ['store refused ask', 'store did not acknowledge ask'];
    expect(seen).toEqual(['ok', refused, unacknowledged, unacknowledged, refused]);
  });

  test('of a process that died in between is answered to nobody, and carried out by nobody', async () => {
    const sim = createSim(options);
    let applied = 0;
    const store = sim.node('store', (env) => ({
      slow: async () => {
        await env.runtime.clock.sleep(100);
        return ++applied;
      },
    }));
    const seen: unknown[] = [];
    sim.node('a', (env) => {
      if (env.incarnation === 1)
        void env
          .remote(store)
          .slow()
          .then((value) => seen.push(value));
    });
    sim.node(
      'b',
      (env) =>
        void env
          .remote(store)
          .slow()
          .then((value) => seen.push(value)),
    );
    sim.at(20, () => sim.restart('a'));
    await sim.run();
    expect([applied, seen.length]).toEqual([2, 1]);
  });
});
