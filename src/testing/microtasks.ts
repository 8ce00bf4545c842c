interface Platform {
  readonly setImmediate?: (fn: () => void) => unknown;
}

// Taken at import: a test runner's fake timers would never fire it.
const { setImmediate } = globalThis as Platform;

/**
 * @internal Resolves when every promise chain that is ready to run has run, however deep and however often it goes through
 * `process.nextTick`.
 *
 * A macrotask: the platform empties its microtask and next-tick queues before it takes one. (A tick asked for from a
 * microtask is three times as fast, but waits for neither a chain that another tick starts nor one that ticks again.) In
 * Node `setImmediate` is the cheapest, about a microsecond. Chains that wait for real I/O are not waited for.
 */
export function settleMicrotasks(): Promise<void> {
  return new Promise(setImmediate ?? macrotask);
}

function macrotask(fn: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => {
    port1.close();
    fn();
  });
  port1.start();
  port2.postMessage(undefined);
}
