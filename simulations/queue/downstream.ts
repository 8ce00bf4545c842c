import type { Timer } from 'holdfast/core';
import type { VirtualClock } from 'holdfast/testing';
import type { Machine } from './plant.ts';

/**
 * What jobs call, and what they wait for: serves `capacity` of them at full speed. More share it, and thrash: with four times
 * as many it does half as much. With `Infinity` nobody waits for anybody.
 */
export const downstream =
  (capacity: number) =>
  (clock: VirtualClock): Machine => {
    /** Each is done when every job that was there all the time would have had so much service. */
    const running: { readonly untilMs: number; readonly done: () => void }[] = [];
    let servedMs = 0;
    let sinceMs = 0;
    let next: Timer | undefined;
    /** How fast each of so many is served. */
    const speed = (count: number): number => {
      const over = Math.max(0, count / capacity - 1);
      return Math.min(1, capacity / count) / (1 + over / 3);
    };
    const catchUp = (): void => {
      servedMs += (clock.now() - sinceMs) * (running.length === 0 ? 0 : speed(running.length));
      sinceMs = clock.now();
    };
    const arm = (): void => {
      next?.cancel();
      const first = running[0];
      if (first === undefined) return;
      next = clock.setTimer((first.untilMs - servedMs) / speed(running.length), () => {
        catchUp();
        running.shift();
        arm();
        first.done();
      });
    };
    return (serviceMs, done) => {
      catchUp();
      const untilMs = servedMs + serviceMs;
      const at = running.findIndex((job) => job.untilMs > untilMs);
      running.splice(at === -1 ? running.length : at, 0, { untilMs, done });
      arm();
    };
  };
