/* eslint-disable no-restricted-globals, no-restricted-properties -- the barrier between two events of virtual time is made of them */

interface Platform {
  readonly process?: { readonly nextTick?: (fn: () => void) => void };
}

/**
 * @internal Resolves when every promise chain that is ready to run has run, however deep.
 *
 * In Node the next-tick queue is served when the microtask queue is empty, so a tick that is asked for from inside a
 * microtask waits out the whole queue. That is exact and half again as fast as a macrotask. In a browser a macrotask does
 * the same. Chains that wait for real I/O are not waited for.
 */
export function settleMicrotasks(): Promise<void> {
  const { process } = globalThis as Platform;
  return new Promise((resolve) => {
    queueMicrotask(() => {
      if (process?.nextTick === undefined) macrotask(resolve);
      else process.nextTick(resolve);
    });
  });
}

/** @internal Lets the platform's own timers and I/O run once. */
export function macrotask(fn: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => {
    port1.close();
    fn();
  });
  port1.start();
  port2.postMessage(undefined);
}
