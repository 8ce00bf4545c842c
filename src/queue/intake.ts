import { callerContext } from '../core/caller-context.ts';
import { Deadline } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import type { Runtime } from '../core/runtime.ts';
import type { SteadyTime } from '../core/steady-time.ts';
import { Admission, type OnOffer } from './admission.ts';
import type { Offer } from './backlog/backlog.ts';
import type { Job, JobDetails } from './backlog/job.ts';
import type { Depot } from './depot.ts';
import { type JobOptions, type JobValues, readJobOptions } from './job-options.ts';
import type { Settings } from './settings.ts';

const full = { status: 'full' } as const;

/**
 * @internal The door of a queue: makes records of what is added and has the store accept them, at once where it can, else
 * when it is open and there is room.
 */
export class Intake<D> {
  readonly #depot: Depot<D>;
  readonly #time: SteadyTime;
  readonly #runtime: Runtime;
  readonly #overflow: Settings<D>['overflow'];
  readonly #admission: Admission<D>;
  /** Told once of each offer that is not refused, before who has made it. */
  readonly #onOffer: OnOffer<D>;
  #opening: Promise<void> | undefined;
  /** Lets go of those who wait for the opening. */
  #giveUp: ((reason: HoldfastError) => void) | undefined;
  #isOpening = false;
  /** How many have been offered to the store and not been answered. */
  #asked = 0;
  #onAnswered: (() => void) | undefined;
  #closed: HoldfastError | undefined;

  constructor(depot: Depot<D>, time: SteadyTime, { runtime, overflow }: Settings<D>, onOffer: OnOffer<D>) {
    this.#depot = depot;
    this.#time = time;
    this.#runtime = runtime;
    this.#overflow = overflow;
    this.#admission = new Admission(depot, time, onOffer);
    this.#onOffer = onOffer;
  }

  /** How many wait for room. */
  get waiting(): number {
    return this.#admission.size;
  }

  /** Resolves when the store is open, and rejects when it will not be; undefined: it is. */
  get opening(): Promise<void> | undefined {
    return this.#opening;
  }

  /** Whether the store has still to say what it holds, or whether it has taken a job. */
  get isAsking(): boolean {
    return this.#isOpening || this.#asked > 0;
  }

  /**
   * Nobody is let in before this has resolved.
   *
   * @param onOpened - called then, and when it has rejected
   * @param onAnswered - called after each job that was offered later, whatever came of it
   */
  opensWith(opening: Promise<void>, onOpened: () => void, onAnswered: () => void): void {
    this.#onAnswered = onAnswered;
    this.#opening = new Promise((resolve, reject) => {
      opening.then(resolve, reject);
      this.#giveUp = reject;
    });
    this.#isOpening = true;
    this.#opening.then(
      () => {
        this.#opening = undefined;
        this.#isOpening = false;
        onOpened();
      },
      () => {
        this.#isOpening = false; // why is told to whoever adds
        onOpened();
      },
    );
  }

  /** There may be room. */
  admit(): void {
    this.#admission.admit();
  }

  /** Lets nobody in any more. */
  close(reason: HoldfastError): void {
    this.#closed = reason;
    this.#giveUp?.(reason);
    this.#admission.close(reason);
  }

  /**
   * A record of what is to be added.
   *
   * @param caller - in whose context it is to run
   * @throws {@link HoldfastError} `INVALID_OPTION`, `UNSUPPORTED`, `CLOSED`; the signal's reason
   */
  make(data: D, options: JobOptions | undefined, caller = callerContext()): Job<D> {
    if (this.#closed !== undefined) throw this.#closed;
    const job = options === undefined ? this.#depot.make(data, 0, undefined) : this.#special(data, options);
    job.caller = caller;
    return job;
  }

  #special(data: D, options: JobOptions): Job<D> {
    const values = readJobOptions(options, this.#depot.caps);
    values.signal?.throwIfAborted();
    return this.#depot.make(data, values.priority ?? 0, this.#detailsOf(values));
  }

  #detailsOf(values: JobValues): JobDetails<D> {
    const { id, key, dedupe, timeoutMs, type, transfer, deadline } = values;
    // What was moved to a worker cannot be moved again.
    const attempts = values.attempts ?? (transfer === undefined ? undefined : 1);
    const leftMs = typeof deadline === 'number' ? deadline : (deadline ?? Deadline.never).remaining();
    const own = attempts !== undefined || timeoutMs !== undefined || type !== undefined;
    return {
      id,
      keyName: key,
      dedupe,
      transfer,
      settings: own ? { attempts, timeoutMs, type } : undefined,
      expiresAtMs: leftMs === Infinity ? undefined : this.#time.now() + leftMs,
    };
  }

  /** Has the store accept a job. */
  accept(job: Job<D>, options: JobOptions | undefined): Offer<D> | Promise<Offer<D>> {
    const delayMs = options === undefined ? 0 : this.#delayOf(options);
    const signal = options?.signal;
    if (this.#opening !== undefined) return this.#counted(this.#acceptLater(job, delayMs, signal));
    // Those who wait for room were here first.
    const inLine = this.#overflow === 'wait' && this.#admission.size > 0;
    const nowMs = this.#time.now();
    const offer = inLine ? full : this.#depot.put(job, delayMs, nowMs);
    if (offer instanceof Promise) {
      return this.#counted(offer.then((answer) => this.#afterOffer(job, answer, delayMs, signal)));
    }
    return this.#afterOffer(job, offer, delayMs, signal, nowMs);
  }

  #counted(asking: Promise<Offer<D>>): Promise<Offer<D>> {
    this.#asked++;
    const answered = (): void => {
      this.#asked--;
      this.#onAnswered?.();
    };
    asking.then(answered, answered);
    return asking;
  }

  async #acceptLater(job: Job<D>, delayMs: number, signal: AbortSignal | undefined): Promise<Offer<D>> {
    await this.#opening;
    if (this.#closed !== undefined) throw this.#closed;
    return this.#afterOffer(job, await this.#depot.put(job, delayMs, this.#time.now()), delayMs, signal);
  }

  #afterOffer(
    job: Job<D>,
    offer: Offer<D>,
    delayMs: number,
    signal: AbortSignal | undefined,
    nowMs?: number,
  ): Offer<D> | Promise<Offer<D>> {
    if (offer.status === 'full') {
      if (this.#overflow !== 'wait') throw new HoldfastError('QUEUE_FULL', 'the queue has no room for the job');
      return this.#admission.wait(job, delayMs, signal);
    }
    this.#onOffer(job, offer, delayMs, signal, nowMs);
    return offer;
  }

  #delayOf({ delayMs, runAt }: JobOptions): number {
    if (runAt === undefined) return delayMs ?? 0;
    return Math.max(0, Number(runAt) - this.#runtime.clock.wallNow());
  }
}
