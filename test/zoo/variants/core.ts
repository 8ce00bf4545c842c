import type { Variant } from '../variant.ts';

export const core: readonly Variant[] = [
  {
    id: 'core/listener-kept',
    mistake: 'A call that is over leaves its listener on the caller’s signal.',
    known: 'sindresorhus/p-timeout#42, connor4312/cockatiel#81',
    file: 'src/core/signals.ts',
    search: 'if (hub.children.delete(child) && hub.children.size === 0) signal.removeEventListener(',
    replace: 'if (hub.children.delete(child) && hub.children.size > 0) signal.removeEventListener(',
    tests: ['test/core/signals.prop.test.ts'],
  },
  {
    id: 'core/timer-kept',
    mistake: 'Work that is done before its deadline leaves the timer of the deadline.',
    file: 'src/core/scope.ts',
    search: `    this.#open = false;
    this.#timer?.cancel();`,
    replace: '    this.#open = false;',
    tests: ['test/core/scope.prop.test.ts'],
  },
  {
    id: 'core/long-delay',
    mistake: 'A delay beyond 2^31 - 1 ms is handed to the platform, which fires at once.',
    known: 'nodejs/node#4541, grpc/grpc-node#1167, grpc/grpc-dotnet#751',
    file: 'src/core/clock.ts',
    search: 'handle = setTimeout(wake, Math.min(Math.max(0, Math.ceil(leftMs)), longestDelayMs));',
    replace: 'handle = setTimeout(fn, Math.max(0, Math.ceil(leftMs)));',
    tests: ['test/core/clock.test.ts', 'test/core/regressions.test.ts'],
  },
  {
    id: 'core/early-timer',
    mistake: 'A timer that the platform wakes up to a millisecond early is believed.',
    known: 'nodejs/node#26578',
    file: 'src/core/clock.ts',
    search: 'if (leftMs > 0) arm(leftMs);',
    replace: 'if (leftMs > 1) arm(leftMs);',
    tests: ['test/core/clock.test.ts', 'test/core/regressions.test.ts'],
  },
  {
    id: 'core/header-rounded-up',
    mistake: 'The deadline goes over the wire rounded up: each hop gains up to a millisecond.',
    file: 'src/core/deadline.ts',
    search: 'Math.floor(left)',
    replace: 'Math.ceil(left)',
    tests: ['test/core/deadline.prop.test.ts'],
  },
  {
    id: 'core/deadline-gains',
    mistake: 'What is left of a deadline is `now + ms - now`, which may round to more than was given.',
    file: 'src/core/deadline.ts',
    search: 'const leftMs = Math.min(this.#atMostMs, this.#due - this.#clock.now());',
    replace: 'const leftMs = this.#due - this.#clock.now();',
    tests: ['test/core/deadline.prop.test.ts'],
  },
  {
    id: 'core/nested-events',
    mistake: 'An event that a listener causes is delivered before the one that it listens to is through.',
    file: 'src/core/events.ts',
    search: 'if (this.#queue.length > 1) return;',
    replace: 'if (this.#queue.length > 100) return;',
    tests: ['test/core/events.prop.test.ts'],
  },
  {
    id: 'core/throwing-listener',
    mistake: 'What a listener throws reaches whoever emits, and the listeners behind it hear nothing.',
    known: 'browserify/events#26, EventEmitter2#11',
    file: 'src/core/events.ts',
    search: `  } catch (error) {
    report(error);
  }
}

function isThenable`,
    replace: `  } catch (error) {
    throw error as Error;
  }
}

function isThenable`,
    tests: ['test/core/events.prop.test.ts', 'test/core/events.test.ts'],
  },
  {
    id: 'core/clock-goes-back',
    mistake: 'A clock that is set back takes the time of windows back with it.',
    known: 'grpc/grpc#22955',
    file: 'src/core/steady-time.ts',
    search: `    if (this.#nowMs === this.#seenMs && seenMs >= this.#seenMs) this.#nowMs = seenMs;
    else if (seenMs > this.#seenMs) this.#nowMs += seenMs - this.#seenMs;`,
    replace: '    this.#nowMs = seenMs;',
    tests: ['test/calls/budget.prop.test.ts', 'test/sharding/regressions.test.ts'],
  },
];
