import { Scaler, type ScaleChange, type ScalerOptions } from '../../../src/queue/elastic/scaler.ts';
import { VirtualClock } from '../../../src/testing/index.ts';

/** A queue and its pool, as small as can be: jobs are the milliseconds that they take; workers start in `coldMs`. */
export class Pool {
  readonly clock: VirtualClock = new VirtualClock();
  readonly scaler: Scaler;
  readonly changes: (ScaleChange & { readonly atMs: number })[] = [];
  readonly waiting: number[] = [];
  readonly coldMs: number;
  /** How many workers have started. */
  ready: number;
  active = 0;
  done = 0;
  /** How often the scaler has looked at the queue. */
  looks = 0;

  constructor(options?: ScalerOptions, coldMs = 0) {
    this.coldMs = coldMs;
    this.scaler = new Scaler(
      {
        queued: () => {
          this.looks++;
          return this.waiting.length;
        },
        busy: () => this.active,
        coldStartMs: () => coldMs,
        resize: (change) => {
          this.changes.push({ ...change, atMs: this.clock.now() });
          if (coldMs === 0 || change.to < this.ready) this.start(change.to);
          else
            this.clock.setTimer(coldMs, () => {
              this.start(Math.min(change.to, this.scaler.workers));
            });
        },
      },
      { runtime: { clock: this.clock, random: () => 0 }, ...options },
    );
    this.ready = this.scaler.workers;
  }

  start(workers: number): void {
    this.ready = workers;
    while (this.active < this.ready && this.waiting.length > 0) this.run(this.waiting.shift()!);
  }

  add(ms: number, type?: string): void {
    if (this.active < this.ready) {
      this.scaler.onEnqueue(0, type);
      this.run(ms, type);
    } else {
      this.waiting.push(ms);
      this.scaler.onEnqueue(this.waiting.length, type);
    }
  }

  run(ms: number, type?: string): void {
    const startedMs = this.clock.now();
    this.active++;
    this.scaler.onStart(startedMs, type);
    this.clock.setTimer(ms, () => {
      this.active--;
      this.done++;
      this.scaler.onSettle(startedMs, this.clock.now(), type);
      if (this.active < this.ready && this.waiting.length > 0) this.run(this.waiting.shift()!);
    });
  }

  /** Adds a job every so often, until a moment. */
  every(everyMs: number, serviceMs: number, untilMs: number): void {
    const next = (): void => {
      if (this.clock.now() >= untilMs) return;
      this.add(serviceMs);
      this.clock.setTimer(everyMs, next);
    };
    next();
  }
}
