import { seededRandom, VirtualClock } from 'holdfast/testing';
import { MemoryQueueStore, type QueueStore } from '../../src/queue/index.ts';

/** Time and chance of a test. */
export function setUp(): {
  readonly clock: VirtualClock;
  readonly runtime: { readonly clock: VirtualClock; readonly random: () => number };
} {
  const clock = new VirtualClock();
  return { clock, runtime: { clock, random: seededRandom(3) } };
}

/** Resolves when nothing is left that can go on without time. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Calls<D> = Omit<QueueStore<D>, 'caps' | 'dead' | 'wake'>;

/** A memory store as if it were far away: each way takes `ms`. `own`: calls that fare otherwise. */
export function far<D>(
  clock: VirtualClock,
  inner: MemoryQueueStore<D> = new MemoryQueueStore<D>({ runtime: { clock, random: () => 0.5 } }),
  own: Partial<QueueStore<D>> = {},
  ms = 2,
): QueueStore<D> {
  const slowly = <A extends unknown[], T>(call: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) => {
    return async (...args) => {
      await clock.sleep(ms);
      const answer = await call(...args);
      await clock.sleep(ms);
      return answer;
    };
  };
  const calls: Calls<D> = {
    open: slowly(() => inner.open()),
    put: slowly((jobs, room) => inner.put(jobs, room)),
    pull: slowly((max, leaseMs) => inner.pull(max, leaseMs)),
    extend: slowly((leases, leaseMs) => inner.extend(leases, leaseMs)),
    settle: slowly((outcomes) => inner.settle(outcomes)),
    cancel: slowly((ids) => inner.cancel(ids)),
    counts: slowly(() => inner.counts()),
    close: slowly(() => inner.close()),
  };
  return { caps: inner.caps, dead: inner.dead, wake: (onWake) => inner.wake(onWake), ...calls, ...own };
}

/** What has become of a promise so far. */
export function fateOf(promise: Promise<unknown>): { readonly now: unknown } {
  const fate: { now: unknown } = { now: 'pending' };
  promise.then(
    (value) => (fate.now = { value }),
    (error: unknown) => (fate.now = (error as { readonly code?: unknown } | undefined)?.code ?? error),
  );
  return fate;
}
