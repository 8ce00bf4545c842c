import { HoldfastError } from '../core/errors.ts';
import type { Delivery, Flow } from '../flow/index.ts';
import type { Job } from './backlog/job.ts';
import { Ring } from './backlog/ring.ts';
import type { Depot } from './depot.ts';
import type { Engine } from './engine.ts';

type TakingEngine<D> = Pick<Engine<D, never>, 'fail' | 'isTaking' | 'mayStart' | 'settle' | 'time'>;
type Result<D> = IteratorResult<Delivery<D>>;

/** @internal Those who work jobs off by themselves. */
export class Consumers<D> {
  readonly #depot: Depot<D>;
  readonly #engine: TakingEngine<D>;
  readonly #onLease: (job: Job<D>) => void;
  /** A key may be free, or a job ready again. */
  readonly #onSettled: () => void;
  readonly #readers = new Ring<{ readonly consumer: Consumer<D>; readonly resolve: (result: Result<D>) => void }>();
  readonly #open = new Set<Consumer<D>>();
  #closed = false;

  constructor(depot: Depot<D>, engine: TakingEngine<D>, onLease: (job: Job<D>) => void, onSettled: () => void) {
    this.#depot = depot;
    this.#engine = engine;
    this.#onLease = onLease;
    this.#onSettled = onSettled;
  }

  /** How many wait for a job. */
  get waiting(): number {
    return this.#readers.size;
  }

  flow(): Flow<D> {
    return { [Symbol.asyncIterator]: () => this.#consumer() };
  }

  #consumer(): Consumer<D> {
    const consumer = new Consumer<D>(this.#engine, {
      next: (reader) => this.#next(reader),
      left: (one) => this.#leave(one),
      settled: this.#onSettled,
      watched: (end) => this.#depot.vigil?.over(end) ?? end,
    });
    if (this.#closed) void consumer.return();
    else this.#open.add(consumer);
    return consumer;
  }

  #next(consumer: Consumer<D>): Promise<Result<D>> {
    return new Promise((resolve) => {
      this.#readers.push({ consumer, resolve });
      this.serve();
    });
  }

  /** Hands out what is ready. */
  serve(): void {
    while (this.#readers.size > 0 && this.#engine.isTaking) {
      const nowMs = this.#engine.time.now();
      const job = this.#depot.take(nowMs);
      if (job === undefined) return;
      if (this.#engine.mayStart(job, nowMs)) {
        this.#onLease(job);
        const { consumer, resolve } = this.#readers.shift()!;
        resolve({ value: consumer.deliver(job, this.#depot.idOf(job)), done: false });
      }
    }
  }

  #leave(consumer: Consumer<D>): void {
    this.#open.delete(consumer);
    for (let left = this.#readers.size; left > 0; left--) {
      const reader = this.#readers.shift()!;
      if (reader.consumer === consumer) reader.resolve({ value: undefined, done: true });
      else this.#readers.push(reader);
    }
  }

  /** Somebody else may have the job; whether one of these had it. */
  lost(job: Job<D>): boolean {
    for (const consumer of this.#open) if (consumer.lost(job)) return true;
    return false;
  }

  /** Gives back what was not acknowledged. */
  close(): void {
    this.#closed = true;
    for (const consumer of [...this.#open]) void consumer.return();
  }
}

/** One reader of a queue, and what it has not acknowledged. */
class Consumer<D> implements AsyncIterator<Delivery<D>> {
  readonly #engine: TakingEngine<D>;
  readonly #host: {
    readonly next: (consumer: Consumer<D>) => Promise<Result<D>>;
    readonly left: (consumer: Consumer<D>) => void;
    readonly settled: () => void;
    readonly watched: (end: Promise<void>) => Promise<void>;
  };
  readonly #held = new Set<Job<D>>();
  #over = false;

  constructor(
    engine: TakingEngine<D>,
    host: {
      readonly next: (consumer: Consumer<D>) => Promise<Result<D>>;
      readonly left: (consumer: Consumer<D>) => void;
      readonly settled: () => void;
      readonly watched: (end: Promise<void>) => Promise<void>;
    },
  ) {
    this.#engine = engine;
    this.#host = host;
  }

  next(): Promise<Result<D>> {
    return this.#over ? Promise.resolve({ value: undefined, done: true }) : this.#host.next(this);
  }

  return(): Promise<Result<D>> {
    if (!this.#over) {
      this.#over = true;
      this.#host.left(this); // first, or what it gives back would be handed to it again
      for (const job of [...this.#held]) {
        void this.#end(job, () => this.#engine.settle(job, { kind: 'release', delayMs: 0 }, undefined));
      }
    }
    return Promise.resolve({ value: undefined, done: true });
  }

  lost(job: Job<D>): boolean {
    return this.#held.delete(job);
  }

  deliver(job: Job<D>, id: string): Delivery<D> {
    this.#held.add(job);
    const settle = (how: () => void | Promise<void>): Promise<void> => {
      const was = this.#end(job, how);
      return was ?? Promise.resolve();
    };
    return {
      value: job.data,
      id,
      attempt: job.attempt,
      ack: () =>
        settle(() => {
          job.result = undefined; // not the error of an attempt before
          return this.#engine.settle(job, { kind: 'done' }, undefined);
        }),
      nack: (reason) =>
        settle(() =>
          this.#engine.fail(job, reason ?? new HoldfastError('CANCELLED', 'the delivery was not acknowledged')),
        ),
    };
  }

  #end(job: Job<D>, how: () => void | Promise<void>): Promise<void> | undefined {
    if (!this.#held.delete(job)) return undefined;
    const ended = how();
    if (ended instanceof Promise) return this.#host.watched(ended);
    this.#host.settled();
    return undefined;
  }
}
