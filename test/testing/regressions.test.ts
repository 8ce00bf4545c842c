/** Bugs that other fake clocks had, each named after their issue: ours must not have them. */
import { VirtualClock } from 'holdfast/testing';
import { expect, test } from 'vitest';

test('sinonjs/fake-timers#114: promises that wait for timers come in the wrong order', async () => {
  const clock = new VirtualClock();
  const output: string[] = [];
  const oneTwoAndFour = async (): Promise<void> => {
    await clock.sleep(100);
    output.push('one');
    await clock.sleep(100);
    output.push('two');
    await clock.sleep(200);
    output.push('four');
  };
  const three = async (): Promise<void> => {
    await clock.sleep(300);
    output.push('three');
  };
  const finished = Promise.all([oneTwoAndFour(), three()]);
  await clock.advance(400);
  await finished;
  expect(output).toEqual(['one', 'two', 'three', 'four']);
});

test('sinonjs/fake-timers#194: a timer that is set behind a promise never fires', async () => {
  const clock = new VirtualClock();
  const promise = Promise.resolve().then(() => clock.sleep(5));
  await clock.advance(1_000);
  await promise;
});

test('sinonjs/fake-timers#483, jestjs/jest#14549: what is in the microtask queue does not run', async () => {
  const clock = new VirtualClock();
  let ran = 0;
  for (const move of [() => clock.advance(0), () => clock.advance(1), () => clock.runUntilIdle()]) {
    queueMicrotask(() => ran++);
    process.nextTick(() => ran++);
    await move();
  }
  expect(ran).toBe(6);
});

test('jestjs/jest#13435: a timer that is set behind a promise in a timer misses its turn', async () => {
  const clock = new VirtualClock();
  const firedAt: number[] = [];
  clock.setTimer(10, () => {
    void Promise.resolve().then(() => clock.setTimer(10, () => firedAt.push(clock.now())));
  });
  clock.setTimer(15, () => undefined);
  await clock.advance(20);
  expect(firedAt).toEqual([20]);
});
