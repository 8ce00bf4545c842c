import type { VirtualClock } from 'holdfast/testing';
import type { FromWorker, ToWorker } from '../../../src/queue/pools/crossing.ts';
import type { Isolate, Loss } from '../../../src/queue/pools/isolate.ts';
import type { IsolatedPoolOptions } from '../../../src/queue/pools/isolated-options.ts';
import { IsolatedPool } from '../../../src/queue/pools/isolated-pool.ts';

/** A worker that does what the test says, and dies when it is told to. */
export class FakeIsolate implements Isolate {
  readonly posted: ToWorker[] = [];
  held = false;
  /** It has been told to go, or killed. */
  told: 'dismiss' | 'kill' | undefined;
  gone = false;
  /** Is killed only when the test says so. */
  stubborn = false;
  readonly #hear: (message: FromWorker) => void;
  readonly #gone: (loss: Loss) => void;

  constructor(hear: (message: FromWorker) => void, gone: (loss: Loss) => void) {
    this.#hear = hear;
    this.#gone = gone;
  }

  get job(): Extract<ToWorker, { type: 'job' }> | undefined {
    return this.posted.findLast((message) => message.type === 'job');
  }

  post(message: ToWorker): void {
    if (message.type === 'job' && message.data === 'unsendable') throw new TypeError('cannot be sent');
    this.posted.push(message);
  }

  kill(): void {
    this.told = 'kill';
    if (!this.stubborn) queueMicrotask(() => { this.die({ signal: 'SIGKILL' }); }); // prettier-ignore
  }

  dismiss(): void {
    this.told ??= 'dismiss';
    if (!this.stubborn) queueMicrotask(() => { this.die({ exitCode: 0 }); }); // prettier-ignore
  }

  hold(held: boolean): void {
    this.held = held;
  }

  say(message: FromWorker): void {
    if (!this.gone) this.#hear(message);
  }

  die(loss: Loss): void {
    if (this.gone) return;
    this.gone = true;
    this.#gone(loss);
  }
}

/** A pool of fakes, in virtual time. */
export class FakePool extends IsolatedPool<unknown, unknown> {
  readonly isolates: FakeIsolate[];
  /** Whether workers cannot even be launched. */
  readonly launching: { fails: boolean };

  constructor(clock: VirtualClock, options: Partial<IsolatedPoolOptions> = {}) {
    const isolates: FakeIsolate[] = [];
    const launching = { fails: false };
    const { killAfterMs, startTimeoutMs, maxJobs, maxHeapMb, max = 8 } = options;
    const settings = { kind: 'thread', url: 'file:///handler.js', killAfterMs, startTimeoutMs, maxJobs, maxHeapMb, max } as const; // prettier-ignore
    super({ ...settings, runtime: { clock, random: () => 0.5 } }, (hear, gone) => {
      if (launching.fails) throw new Error('no more processes');
      const isolate = new FakeIsolate(hear, gone);
      isolates.push(isolate);
      return isolate;
    });
    this.isolates = isolates;
    this.launching = launching;
  }

  /** Those that are there and have not been told to go. */
  get staying(): readonly FakeIsolate[] {
    return this.isolates.filter((isolate) => !isolate.gone && isolate.told === undefined);
  }

  /** The newest. */
  get newest(): FakeIsolate {
    return this.isolates.at(-1)!;
  }
}
