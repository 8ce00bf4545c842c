import { boolean, check, func, number, readOptions, type Rule } from '../core/options.ts';
import type { Job, Ticket } from './backlog/job.ts';
import { Ring } from './backlog/ring.ts';
import type { Settled } from './job-handle.ts';
import type { JobOptions } from './job-options.ts';

/** Options of {@link WorkQueue.addAll}. */
export interface AddAllOptions<D> {
  /**
   * How many jobs may be under way, or ended and not read yet.
   *
   * @defaultValue 1,000
   */
  readonly ahead?: number | undefined;
  /** What to say of a job. */
  readonly job?: ((data: D) => JobOptions | undefined) | undefined;
  /**
   * Whether results come in the order of the source. Otherwise as the jobs end.
   *
   * @defaultValue false
   */
  readonly ordered?: boolean | undefined;
}

/** @internal What adding many asks of the queue. */
export interface AddAllHost<D> {
  offer(data: D, options: JobOptions | undefined, ticket: Ticket<D>): Job<D> | Promise<Job<D>>;
  idOf(job: Job<D>): string;
}

const sourceRule: Rule<Iterable<unknown> | AsyncIterable<unknown>> = {
  expected: 'an iterable or an async iterable',
  accepts: (value) =>
    typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value),
};

/** What waits to be read: a job that has ended, or, in order, one that will. */
type Slot<D> = Job<D>;

/**
 * @internal Adds on demand and tells of the ends. It reads the source only while somebody reads it and there is a place
 * left, one item at a time.
 */
export class AddAll<D, R> implements AsyncIterableIterator<Settled<D, R>> {
  readonly #source: Iterator<D> | AsyncIterator<D>;
  readonly #isAsync: boolean;
  readonly #host: AddAllHost<D>;
  readonly #ahead: number;
  readonly #ordered: boolean;
  readonly #optionsOf: ((data: D) => JobOptions | undefined) | undefined;
  readonly #ended = new Ring<Slot<D>>();
  readonly #readers = new Ring<{
    readonly resolve: (result: IteratorResult<Settled<D, R>>) => void;
    readonly reject: (reason: unknown) => void;
  }>();
  /** Of jobs that are under way: their data, for a job lets go of it. */
  #underWay = 0;
  #reading = false;
  #exhausted = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(source: Iterable<D> | AsyncIterable<D>, options: AddAllOptions<D> | undefined, host: AddAllHost<D>) {
    check('source', source, sourceRule);
    const {
      ahead = 1_000,
      job,
      ordered = false,
    } = readOptions('addAll', options, {
      ahead: number({ min: 1, integer: true }),
      job: func<(data: D) => JobOptions | undefined>(),
      ordered: boolean,
    });
    this.#isAsync = Symbol.asyncIterator in source;
    this.#source = this.#isAsync
      ? (source as AsyncIterable<D>)[Symbol.asyncIterator]()
      : (source as Iterable<D>)[Symbol.iterator]();
    this.#ahead = ahead;
    this.#ordered = ordered;
    this.#optionsOf = job;
    this.#host = host;
  }

  next(): Promise<IteratorResult<Settled<D, R>>> {
    this.#read();
    const settled = this.#take();
    if (settled !== undefined) return Promise.resolve({ value: settled, done: false });
    if (this.#isOver) return this.#finish();
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  /** Leaves: the source is closed, results are forgotten. */
  async return(): Promise<IteratorResult<Settled<D, R>>> {
    const already = this.#exhausted;
    this.#exhausted = true;
    this.#failure = undefined;
    this.#underWay = -Infinity;
    while (this.#ended.shift() !== undefined);
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
      reader.resolve({ value: undefined, done: true });
    }
    if (!already) await this.#source.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #isOver(): boolean {
    return this.#exhausted && this.#underWay <= 0 && this.#ended.size === 0;
  }

  #finish(): Promise<IteratorResult<Settled<D, R>>> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(failure.error);
  }

  #take(): Settled<D, R> | undefined {
    const { first } = this.#ended;
    if (first === undefined || first.isLive) return undefined;
    this.#ended.shift();
    this.#underWay--;
    return this.#settled(first);
  }

  #settled(job: Job<D>): Settled<D, R> {
    const { data, attempt: attempts, state, result } = job;
    const id = this.#host.idOf(job);
    return state === 'done'
      ? { id, data, attempts, status: 'done', value: result as R }
      : { id, data, attempts, status: state === 'dead' ? 'dead' : 'cancelled', error: result };
  }

  readonly #ticket: Ticket<D> = {
    ended: (job) => {
      if (this.#underWay < 0) return;
      if (!this.#ordered) this.#ended.push(job);
      this.#serve();
    },
  };

  /** Gives what there is to those who wait for it. */
  #serve(): void {
    while (this.#readers.size > 0) {
      const settled = this.#take();
      if (settled === undefined) break;
      this.#readers.shift()!.resolve({ value: settled, done: false });
    }
    if (this.#readers.size > 0) this.#read();
    while (this.#readers.size > 0 && this.#isOver) {
      const reader = this.#readers.shift()!;
      this.#finish().then(reader.resolve, reader.reject);
    }
  }

  /** Adds as long as there are places. */
  #read(): void {
    if (this.#reading || this.#exhausted) return;
    this.#reading = true;
    try {
      while (this.#underWay < this.#ahead && !this.#exhausted) {
        const item = this.#isAsync ? undefined : (this.#source as Iterator<D>).next();
        if (item === undefined) {
          void this.#readLater((this.#source as AsyncIterator<D>).next());
          return;
        }
        if (item.done === true) this.#exhausted = true;
        else {
          const accepted = this.#offer(item.value);
          if (accepted instanceof Promise) {
            void this.#goOn(accepted);
            return;
          }
        }
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#reading = false;
  }

  #offer(data: D): Job<D> | Promise<Job<D>> {
    this.#underWay++;
    const accepted = this.#host.offer(data, this.#optionsOf?.(data), this.#ticket);
    if (this.#ordered) {
      if (accepted instanceof Promise) {
        return accepted.then((job) => {
          this.#ended.push(job);
          return job;
        });
      }
      this.#ended.push(accepted);
    }
    return accepted;
  }

  async #readLater(next: Promise<IteratorResult<D>>): Promise<void> {
    try {
      const item = await next;
      if (item.done === true) this.#exhausted = true;
      else if (!this.#exhausted) await this.#offer(item.value);
    } catch (error) {
      this.#fail(error);
    }
    this.#reading = false;
    this.#read();
    this.#serve();
  }

  async #goOn(accepted: Promise<Job<D>>): Promise<void> {
    try {
      await accepted;
    } catch (error) {
      this.#underWay--;
      this.#fail(error);
    }
    this.#reading = false;
    this.#read();
    this.#serve();
  }

  #fail(error: unknown): void {
    this.#exhausted = true;
    this.#failure ??= { error };
  }
}
