interface Platform {
  readonly setImmediate?: (fn: () => void) => unknown;
}

// Taken at import: a test runner's fake timers would never fire it.
const { setImmediate } = globalThis as Platform;
const macrotask = setImmediate ?? viaChannel;

/**
 * @internal Resolves when every promise chain that is ready to run has run, however deep and however often it goes through
 * `process.nextTick`.
 *
 * A macrotask: the platform empties its microtask and next-tick queues before it takes one. (A tick asked for from a
 * microtask is three times as fast, but waits for neither a chain that another tick starts nor one that ticks again.) In
 * Node `setImmediate` is the cheapest, about a microsecond. Chains that wait for real I/O are not waited for.
 */
export function settleMicrotasks(): Promise<void> {
  return new Promise(macrotask);
}

/** Real I/O and the platform's timers get their turn after so many macrotasks at the latest. */
const mostAhead = 64;

/**
 * @internal Runs `step` in a macrotask of its own again and again until it returns false: before each time, and before the
 * promise resolves, all is settled as by {@link settleMicrotasks}. Rejects with what `step` throws.
 *
 * Macrotasks are asked for ahead, ever more of them, and those not needed do nothing: Node takes all immediates that wait
 * in one round of its event loop and settles in between, and the round costs more than an immediate.
 */
export function eachSettled(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let [ahead, left, over] = [1, 0, false];
    const run = (): void => {
      if (over) return;
      try {
        over = !step();
        if (over) resolve();
        else if (--left === 0) ask();
      } catch (error) {
        over = true;
        reject(error);
      }
    };
    const ask = (): void => {
      left = ahead;
      for (let i = 0; i < ahead; i++) macrotask(run);
      ahead = Math.min(2 * ahead, mostAhead);
    };
    ask();
  });
}

function viaChannel(fn: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener('message', () => {
    port1.close();
    fn();
  });
  port1.start();
  port2.postMessage(undefined);
}
