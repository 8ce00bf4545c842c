import type { Clock, Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { Batches } from './batches.ts';
import type { Job } from './backlog/job.ts';
import type { JobOutcome, QueueStore } from './queue-store.ts';
import type { Settings } from './settings.ts';

/** What became of a lease, and whose it is, where that is known here. */
interface Settlement<D> {
  readonly outcome: JobOutcome;
  readonly job: Job<D> | undefined;
}

/** @internal Where outcomes are sent, and who is told of what goes wrong. */
export interface SettlementsHost<D> {
  readonly store: Pick<QueueStore<D>, 'settle'>;
  /** Whether the lease of a job lasts still. */
  holds(job: Job<D>): boolean;
  onError(error: unknown): void;
}

/** What one call has been answered. */
interface Answer {
  readonly ends: readonly boolean[];
  /** Whether the same had been sent before. */
  readonly isRepeat: boolean;
}

/** When the leases are over that is how long an answer is waited for that may still come. */
const mostSilenceMs = 10_000;

/**
 * @internal Sends outcomes until the store has them, or their leases are over. An answer that has not come by a quarter of
 * a lease is taken for lost: while the leases last, sending the same once more tells whether it was.
 */
export class Settlements<D> {
  readonly #host: SettlementsHost<D>;
  readonly #settings: Pick<Settings<D>, 'leaseMs' | 'runtime'>;
  readonly #batches: Batches<Settlement<D>, boolean>;
  #open = true;

  constructor(host: SettlementsHost<D>, settings: Pick<Settings<D>, 'leaseMs' | 'runtime'>) {
    this.#host = host;
    this.#settings = settings;
    this.#batches = new Batches((settlements) => this.#send(settlements));
  }

  /** Whether it was a lease; false also where that has not become known before it was over. Never rejects. */
  add(outcome: JobOutcome, job?: Job<D>): Promise<boolean> {
    return this.#batches.add({ outcome, job });
  }

  /** Resolves when all that came has its answer. */
  idle(): Promise<void> {
    return this.#batches.idle();
  }

  /** Nothing is sent again. */
  close(): void {
    this.#open = false;
  }

  /** No answer is waited for any more. */
  abandon(): void {
    this.#batches.abandon(({ resolve }) => {
      resolve(false);
    });
  }

  async #send(settlements: readonly Settlement<D>[]): Promise<readonly boolean[]> {
    const { leaseMs, runtime } = this.#settings;
    const { clock, random } = runtime;
    const outcomes = settlements.map(({ outcome }) => outcome);
    const isHeld = ({ job }: Settlement<D>): boolean => job !== undefined && this.#host.holds(job);
    const calls = new Calls();
    for (let pauseMs = 50; ; pauseMs = Math.min(2 * pauseMs, 5_000)) {
      try {
        calls.add(this.#host.store.settle(outcomes), pauseMs > 50);
        const { ends, isRepeat } = await calls.first(clock, leaseMs / 4);
        // Nobody else can have ended a lease that is not over: it was this, the first time, and the answer was lost.
        return isRepeat ? ends.map((was, i) => was || isHeld(settlements[i]!)) : ends;
      } catch (error) {
        this.#host.onError(error);
        if (!settlements.some(isHeld) || !this.#open) break;
        await clock.sleep(pauseMs * (0.5 + random() / 2));
      }
    }
    const late = calls.first(clock, mostSilenceMs).catch(() => undefined); // that there was none has been told
    return (await late)?.ends ?? outcomes.map(() => false);
  }
}

/** The same outcomes, sent once and once more. */
class Calls {
  readonly #open = new Set<Promise<Answer>>();

  add(call: Promise<readonly boolean[]>, isRepeat: boolean): void {
    const answer: Promise<Answer> = call.then(
      (ends) => ({ ends, isRepeat }),
      (error: unknown) => {
        this.#open.delete(answer);
        throw error;
      },
    );
    this.#open.add(answer);
  }

  /** The first answer of all; rejects when one fails, when there is none in time, and at once when there can be none. */
  async first(clock: Clock, ms: number): Promise<Answer> {
    let timer: Timer | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      timer = clock.setTimer(this.#open.size === 0 ? 0 : ms, () => {
        reject(new HoldfastError('STORE_FAILED', 'the store has not answered when it was told of the end of jobs'));
      });
    });
    try {
      return await Promise.race([...this.#open, silence]);
    } finally {
      timer?.cancel();
    }
  }
}
