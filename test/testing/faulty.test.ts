import { isHoldfastError, type Live } from 'holdfast/core';
import { faulty, isFault, seededRandom, type Toxics, VirtualClock } from 'holdfast/testing';
import { expect, test } from 'vitest';

const echo = (value: number): Promise<number> => Promise.resolve(value);

test('the faults change while it runs: by update, as a live value; calls under way keep theirs', async () => {
  const clock = new VirtualClock();
  const runtime = { clock, random: seededRandom(1) };
  const live: Live<Toxics> & { current: Toxics } = {
    current: { failRate: 1 },
    version: 1,
    ready: Promise.resolve({}),
    changes: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) }),
    close: () => undefined,
  };
  const call = faulty(echo, { latencyMs: 50 }, { runtime });
  const slow = call(1).then(() => clock.now());
  call.update(live);
  expect(await call(2).catch(isFault)).toBe(true);
  live.current = {};
  expect(await call(3)).toBe(3);
  live.current = { hangRate: 7 };
  await expect(call(4)).rejects.toThrow('hangRate must be a finite number from 0 to 1, got 7');
  await clock.runUntilIdle();
  expect(await slow).toBe(50);
});

test('what is given is read once: a later change of the object does nothing', async () => {
  const toxics = { failRate: 0 };
  const call = faulty(echo, toxics);
  toxics.failRate = 1;
  expect(await call(1)).toBe(1);
});

test('the error is the one that is asked for; if making it fails, the call fails with that', async () => {
  const busy = Object.assign(new Error('503'), { status: 503 });
  await expect(faulty(echo, { failRate: 1 }, { error: () => busy })(1)).rejects.toBe(busy);
  const broken = faulty(
    echo,
    { failRate: 1 },
    {
      error: () => {
        throw busy;
      },
    },
  );
  await expect(broken(1)).rejects.toBe(busy);
});

test('a deaf call does not hand the signal on, but the rest of the options', async () => {
  const { signal } = new AbortController();
  let seen: unknown;
  const call = faulty((_: number, options?: object) => (seen = options), { onAbort: 'ignore' });
  await call(1, { signal, deadline: 5 });
  expect(seen).toEqual({ signal: undefined, deadline: 5 });
  await call(1);
  expect(seen).toBeUndefined();
});

test('aborted before: not made, and the luck of those after it is the same', async () => {
  const signal = AbortSignal.abort('early');
  const luck = async (first: object): Promise<readonly unknown[]> => {
    const call = faulty(echo, { failRate: 0.5 }, { runtime: { clock: new VirtualClock(), random: seededRandom(4) } });
    const calls = Array.from({ length: 20 }, (_, n) => call(n, n === 0 ? first : {}).catch(String));
    return (await Promise.all(calls)).slice(1);
  };
  await expect(faulty(echo, {})(1, { signal })).rejects.toBe('early');
  expect(await luck({ signal })).toEqual(await luck({}));
});

test.each<readonly [string, () => unknown]>([
  ['call must be a function, got 5', () => faulty(5 as never, {})],
  ['toxics options must be an object, got null', () => faulty(echo, null as never)],
  ['failRate must be a finite number from 0 to 1, got 2', () => faulty(echo, { failRate: 2 })],
  ['latencyMs must be a finite number >= 0, got -1', () => faulty(echo, { latencyMs: -1 })],
  ['jitterMs must be a finite number >= 0, got Infinity', () => faulty(echo, { jitterMs: Infinity })],
  ['onAbort must be "reject" or "ignore", got "drop"', () => faulty(echo, { onAbort: 'drop' as never })],
  ['toxics has no option "latency"', () => faulty(echo, { latency: 5 } as never)],
  ['error must be a function, got "x"', () => faulty(echo, {}, { error: 'x' as never })],
  ['hangRate must be a finite number from 0 to 1, got NaN', () => faulty(echo, {}).update({ hangRate: NaN })],
])('%s', (message, act) => {
  let error: unknown;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  expect(isHoldfastError(error, 'INVALID_OPTION')).toBe(true);
  expect((error as Error).message).toContain(message);
});

test('a signal that is none is refused', async () => {
  await expect(faulty(echo, {})(1, { signal: 5 as never })).rejects.toThrow('signal must be an AbortSignal, got 5');
});
