import { boolean, check, func, number, readOptions, type Rule } from '../core/options.ts';
import type { Job, Ticket, Watcher } from './backlog/job.ts';
import { Ring } from './backlog/ring.ts';
import type { Settled } from './job-handle.ts';
import type { JobOptions } from './job-options.ts';
import type { Vigil } from './vigil.ts';

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
  /** Open while a job is under way. */
  readonly vigil: Vigil | undefined;
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
  /** Nobody reads any more. */
  #left = false;
  /** Where there is a vigil: those that it is open for. */
  readonly #open = new Set<Watcher<D>>();
  #failure: { readonly error: unknown } | undefined;
  /** Whose end nobody will know: the queue has closed before it. */
  readonly #forsaken = new Set<Job<D>>();

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
    this.#exhausted = this.#left = true;
    this.#failure = undefined;
    for (const watcher of [...this.#open]) this.#unwatch(watcher);
    while (this.#ended.shift() !== undefined);
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
      reader.resolve({ value: undefined, done: true });
    }
    if (!already) await this.#closeSource();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  get #isOver(): boolean {
    return this.#left || (this.#exhausted && this.#underWay <= 0 && this.#ended.size === 0);
  }

  #finish(): Promise<IteratorResult<Settled<D, R>>> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure === undefined ? Promise.resolve({ value: undefined, done: true }) : Promise.reject(failure.error);
  }

  #take(): Settled<D, R> | undefined {
    const { first } = this.#ended;
    if (first === undefined) return undefined;
    let job = first;
    while (job.details?.successor !== undefined) job = job.details.successor;
    if (job.isLive && !this.#forsaken.has(job)) return undefined;
    this.#ended.shift();
    this.#underWay--;
    return this.#settled(job);
  }

  #settled(job: Job<D>): Settled<D, R> {
    const { data, attempt: attempts, state, result } = job;
    const id = this.#host.idOf(job);
    return state === 'done'
      ? { id, data, attempts, status: 'done', value: result as R }
      : { id, data, attempts, status: state === 'dead' ? 'dead' : 'cancelled', error: result };
  }

  readonly #ticket: Watcher<D> = {
    ended: (job) => {
      if (this.#left) return;
      if (job.isLive) this.#forsaken.add(job);
      if (!this.#ordered) this.#ended.push(job);
      this.#serve();
    },
  };

  /** Gives what there is to those who wait for it. */
  #serve(): void {
    this.#hand();
    if (this.#readers.size > 0) {
      this.#read();
      this.#hand(); // what it has read may be a duplicate of what has ended
    }
    while (this.#readers.size > 0 && this.#isOver) {
      const reader = this.#readers.shift()!;
      this.#finish().then(reader.resolve, reader.reject);
    }
  }

  #hand(): void {
    while (this.#readers.size > 0) {
      const settled = this.#take();
      if (settled === undefined) return;
      this.#readers.shift()!.resolve({ value: settled, done: false });
    }
  }

  /** Adds as long as there are places. */
  #read(): void {
    if (this.#reading || this.#exhausted) return;
    this.#reading = true;
    let given = false;
    try {
      while (this.#underWay < this.#ahead && !this.#exhausted) {
        given = false;
        const item = this.#isAsync ? undefined : (this.#source as Iterator<D>).next();
        if (item === undefined) {
          void this.#readLater((this.#source as AsyncIterator<D>).next());
          return;
        }
        given = true;
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
      this.#fail(error, given);
    }
    this.#reading = false;
  }

  #offer(data: D): Job<D> | Promise<Job<D>> {
    const options = this.#optionsOf?.(data);
    this.#underWay++;
    const watcher = this.#watch();
    try {
      const accepted = this.#host.offer(data, options, watcher);
      if (accepted instanceof Promise) return this.#offered(accepted, watcher);
      if (this.#ordered) this.#ended.push(accepted);
      return accepted;
    } catch (error) {
      this.#refused(watcher);
      throw error;
    }
  }

  async #offered(accepted: Promise<Job<D>>, watcher: Watcher<D>): Promise<Job<D>> {
    try {
      const job = await accepted;
      if (this.#ordered && !this.#left) this.#ended.push(job);
      return job;
    } catch (error) {
      this.#refused(watcher);
      throw error;
    }
  }

  #refused(watcher: Watcher<D>): void {
    this.#underWay--;
    this.#unwatch(watcher);
  }

  /** Who is told of the end of a job: once, and not if the job was refused, though the store may have it then. */
  #watch(): Watcher<D> {
    const { vigil } = this.#host;
    if (vigil === undefined) return this.#ticket;
    const watcher: Watcher<D> = {
      ended: (job) => {
        if (this.#unwatch(watcher)) this.#ticket.ended(job);
      },
    };
    this.#open.add(watcher);
    vigil.begin();
    return watcher;
  }

  #unwatch(watcher: Watcher<D>): boolean {
    const was = this.#open.delete(watcher);
    if (was) this.#host.vigil!.end();
    return was;
  }

  async #readLater(next: Promise<IteratorResult<D>>): Promise<void> {
    let given = false;
    try {
      const item = await next;
      given = true;
      if (item.done === true) this.#exhausted = true;
      else if (!this.#exhausted) {
        const accepted = this.#offer(item.value);
        if (accepted instanceof Promise) {
          await this.#goOn(accepted);
          return;
        }
      }
    } catch (error) {
      this.#fail(error, given);
    }
    this.#reading = false;
    this.#read();
    this.#serve();
  }

  async #goOn(accepted: Promise<Job<D>>): Promise<void> {
    try {
      await accepted;
    } catch (error) {
      this.#fail(error, true);
    }
    this.#reading = false;
    this.#read();
    this.#serve();
  }

  /** Nothing more is read; a source that has not failed itself is closed. */
  #fail(error: unknown, closes: boolean): void {
    const already = this.#exhausted;
    this.#exhausted = true;
    if (!this.#left) this.#failure ??= { error };
    if (closes && !already) void this.#closeSource().catch(() => undefined);
  }

  async #closeSource(): Promise<void> {
    await this.#source.return?.();
  }
}
