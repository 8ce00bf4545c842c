import { isInvalidOption } from 'holdfast/core';
import { LoadBalancer } from 'holdfast/balancing';
import {
  type Condition,
  isFault,
  latency,
  seededRandom,
  SimulatedServer,
  type SimulatedServerOptions,
  VirtualClock,
} from 'holdfast/testing';
import { expect, test } from 'vitest';

const tenMs = latency.constant(10);

interface Stage {
  readonly clock: VirtualClock;
  readonly server: SimulatedServer;
  /** What has become of the calls so far: `12 ok`, `5 the connection was lost`, or undefined. */
  readonly ends: (string | undefined)[];
  call(signal?: AbortSignal): void;
}

function stageOf(options: Partial<SimulatedServerOptions> = {}): Stage {
  const clock = new VirtualClock();
  const server = new SimulatedServer({
    latency: tenMs,
    id: 's',
    runtime: { clock, random: seededRandom(1) },
    ...options,
  });
  const ends: (string | undefined)[] = [];
  return {
    clock,
    server,
    ends,
    call(signal) {
      const n = ends.push(undefined) - 1;
      server.call(n, { signal }).then(
        () => (ends[n] = `${String(clock.now())} ok`),
        (error: unknown) =>
          (ends[n] = `${String(clock.now())} ${isFault(error) ? (error as unknown as Error).message : String(error)}`),
      );
    },
  };
}

test('requests wait for a worker; the answer says who, how long it waited and how long it was worked on', async () => {
  const { clock, server } = stageOf({ workers: 1 });
  const both = Promise.all([server.call(), server.call()]);
  expect(server.stats()).toMatchObject({ arrived: 2, busy: 1, queued: 1 });
  await clock.advance(20);
  expect(await both).toEqual([
    { id: 's', waitedMs: 0, workedMs: 10 },
    { id: 's', waitedMs: 10, workedMs: 10 },
  ]);
});

test('one more than may wait fails at once', async () => {
  const { clock, call, ends } = stageOf({ workers: 1, maxQueued: 1 });
  for (let i = 0; i < 3; i++) call();
  await clock.advance(20);
  expect(ends).toEqual(['10 ok', '20 ok', '0 s: the queue is full']);
});

test('each condition, as its table says', async () => {
  const run = async (condition: Condition): Promise<readonly unknown[]> => {
    const { clock, server, call, ends } = stageOf({ workers: 1 });
    call(); // is worked on until 10
    call(); // waits
    await clock.advance(5);
    server.become(condition);
    call(); // comes
    await clock.advance(95);
    server.become('healthy');
    await clock.advance(100);
    return [...ends, server.stats().swallowed];
  };
  expect(await run('healthy')).toEqual(['10 ok', '20 ok', '30 ok', 0]);
  expect(await run({ latency: latency.constant(25) })).toEqual(['10 ok', '35 ok', '60 ok', 0]);
  expect(await run({ failRate: 1 })).toEqual(['10 ok', '20 s: the request failed', '30 s: the request failed', 0]);
  expect(await run('stalled')).toEqual(['100 ok', '110 ok', '120 ok', 0]);
  expect(await run('silent')).toEqual(['10 ok', '20 ok', undefined, 1]);
  const lost = '5 s: the connection was lost';
  expect(await run('dead')).toEqual([lost, lost, '5 s: the connection was refused', 0]);
});

test('a stalled server starts nothing, idle as it is', async () => {
  const { clock, server, call, ends } = stageOf();
  server.become('stalled');
  call();
  expect(server.stats()).toMatchObject({ queued: 1, busy: 0 });
  await clock.advance(100);
  server.become('healthy');
  await clock.advance(100);
  expect(ends).toEqual(['110 ok']);
});

test('phases are counted from when the server was made', async () => {
  const clock = new VirtualClock();
  await clock.advance(1_000);
  const server = new SimulatedServer({
    latency: tenMs,
    phases: [
      { fromMs: 0, condition: 'dead' },
      { fromMs: 50, condition: { latency: latency.constant(1) } },
    ],
    runtime: { clock, random: Math.random },
  });
  await expect(server.call()).rejects.toThrow('server: the connection was refused');
  await clock.advance(50);
  const answer = server.call();
  await clock.advance(1);
  expect((await answer).workedMs).toBe(1);
});

test('called off: dropped and the next one starts, or finished for nobody', async () => {
  const run = async (onAbort: 'drop' | 'finish'): Promise<readonly unknown[]> => {
    const { clock, server, call, ends } = stageOf({ workers: 1, onAbort });
    const [first, second] = [new AbortController(), new AbortController()];
    call(first.signal);
    call(second.signal);
    call();
    await clock.advance(4);
    second.abort('second');
    first.abort('first');
    await clock.advance(96);
    const { done, cancelled, wasted } = server.stats();
    return [...ends, done, cancelled, wasted];
  };
  expect(await run('drop')).toEqual(['4 first', '4 second', '14 ok', 1, 2, 0]);
  expect(await run('finish')).toEqual(['4 first', '4 second', '30 ok', 3, 0, 2]);
});

test('called off before it came: it does not come', async () => {
  const { server, call, ends, clock } = stageOf();
  call(AbortSignal.abort('early'));
  await clock.advance(0);
  expect(ends).toEqual(['0 early']);
  expect(server.stats().arrived).toBe(0);
});

test('latency sees the load and the age of the condition', async () => {
  const { clock, server } = stageOf({ latency: (_, { inFlight, sinceMs }) => 100 * inFlight + sinceMs });
  await clock.advance(3);
  const both = Promise.all([server.call(), server.call()]);
  await clock.advance(500);
  expect((await both).map(({ workedMs }) => workedMs)).toEqual([103, 203]);
  server.become({ latency: latency.ramp(latency.constant(100), latency.constant(20), 1_000) });
  const recovering: number[] = [];
  for (const gapMs of [0, 250, 500, 500]) {
    await clock.advance(gapMs);
    const answer = server.call();
    await clock.advance(100);
    recovering.push((await answer).workedMs);
  }
  expect(recovering.map(Math.round)).toEqual([100, 72, 24, 20]);
});

test('a latency below 0 is 0', async () => {
  const { clock, server } = stageOf({ latency: () => -5 });
  const answer = server.call();
  await clock.advance(0);
  expect((await answer).workedMs).toBe(0);
});

test('servers are members of a balancer by their ids', async () => {
  const servers = ['a', 'b'].map((id) => new SimulatedServer({ id, latency: latency.constant(1) }));
  const pool = new LoadBalancer(servers);
  const answers = await Promise.all([1, 2].map(() => pool.run((server, attempt) => server.call(undefined, attempt))));
  expect(answers.map(({ id }) => id).sort()).toEqual(['a', 'b']);
});

test('a long line costs as much per request as a short one', async () => {
  const { clock, server, call } = stageOf({ workers: 1, latency: latency.constant(1) });
  const controllers = Array.from({ length: 20_000 }, () => new AbortController());
  for (const { signal } of controllers) call(signal);
  for (const [i, controller] of controllers.entries()) if (i % 2 === 1) controller.abort();
  await clock.runUntilIdle();
  expect(server.stats()).toMatchObject({ done: 10_000, cancelled: 10_000, queued: 0 });
  expect(clock.now()).toBe(10_000);
});

test.each<readonly [string, unknown]>([
  ['SimulatedServer options must be an object, got null', null],
  ['latency must be a function, got undefined', {}],
  ['workers must be an integer >= 1 or Infinity, got 0', { latency: tenMs, workers: 0 }],
  ['maxQueued must be an integer >= 0 or Infinity, got -1', { latency: tenMs, maxQueued: -1 }],
  ['onAbort must be "drop" or "finish", got "ignore"', { latency: tenMs, onAbort: 'ignore' }],
  ['id must be a string, got 5', { latency: tenMs, id: 5 }],
  ['phases must be an array, got an object', { latency: tenMs, phases: {} }],
  [
    'fromMs of a phase must be a finite number >= 0, above that of the phase before, got 5',
    {
      latency: tenMs,
      phases: [
        { fromMs: 5, condition: 'dead' },
        { fromMs: 5, condition: 'healthy' },
      ],
    },
  ],
  [
    'condition must be "healthy", "stalled", "silent" or "dead" or an object, got "ill"',
    { latency: tenMs, phases: [{ fromMs: 5, condition: 'ill' }] },
  ],
  [
    'failRate must be a finite number from 0 to 1, got 2',
    { latency: tenMs, phases: [{ fromMs: 0, condition: { failRate: 2 } }] },
  ],
])('%s', (message, options) => {
  let error: unknown;
  try {
    new SimulatedServer(options as never);
  } catch (thrown) {
    error = thrown;
  }
  expect(isInvalidOption(error)).toBe(true);
  expect((error as Error).message).toBe(message);
});

test('a bad signal and a bad condition are refused', async () => {
  const { server } = stageOf();
  await expect(server.call(1, { signal: 5 as never })).rejects.toThrow('signal must be an AbortSignal, got 5');
  expect(() => server.become(null as never)).toThrow('condition must be');
});
