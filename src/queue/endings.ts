import { deadlineExceeded } from '../core/deadline.ts';
import { onAbort } from '../core/signals.ts';
import { isQueued, type Job } from './backlog/job.ts';
import type { Depot } from './depot.ts';
import type { Engine } from './engine.ts';
import { tellStop } from './result-ticket.ts';
import { takenBack, type Tally } from './tally.ts';

/** @internal What the endings of a queue ask of it. */
export interface EndingsHost {
  /** A job has ended: there may be room, and another of its key may start. */
  onEnded(): void;
  onStoreError(error: unknown): void;
}

/** @internal What ends a job from without, before its work does: who takes it back, its signal, its deadline. */
export class Endings<D> {
  readonly #depot: Depot<D>;
  readonly #engine: Pick<Engine<D, never>, 'abort' | 'alarms' | 'runs' | 'time'>;
  readonly #tally: Tally<D, never>;
  readonly #host: EndingsHost;

  constructor(
    depot: Depot<D>,
    engine: Pick<Engine<D, never>, 'abort' | 'alarms' | 'runs' | 'time'>,
    tally: Tally<D, never>,
    host: EndingsHost,
  ) {
    this.#depot = depot;
    this.#engine = engine;
    this.#tally = tally;
    this.#host = host;
  }

  /** See {@link WorkQueue.cancel}. */
  cancel(id: string, reason: unknown): Promise<boolean> {
    try {
      const job = this.#depot.find(id);
      if (job?.state === 'leased' && this.#engine.runs.some((run) => run.job === job)) {
        return Promise.resolve(this.#stop(job, reason ?? takenBack(), 'cancelled'));
      }
      const answer = this.#depot.cancel(id);
      if (answer instanceof Promise) {
        return answer.then((was) =>
          was === false ? this.#stopById(id, reason) : this.#onTakenBack(was === true ? undefined : was, reason),
        );
      }
      return Promise.resolve(answer && this.#onTakenBack(job, reason));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** It may have been started while the store was asked. */
  #stopById(id: string, reason: unknown): boolean {
    const job = this.#depot.find(id);
    return job?.state === 'leased' && this.#stop(job, reason ?? takenBack(), 'cancelled');
  }

  #onTakenBack(job: Job<D> | undefined, reason: unknown): true {
    if (job !== undefined) {
      this.#tally.onAccepted(job); // its acceptance may not have been told yet
      this.#tally.onCancelled(job, reason);
    }
    this.#host.onEnded();
    return true;
  }

  /** Ends the job when its signal aborts or its deadline comes. */
  link(job: Job<D>, signal: AbortSignal | undefined): void {
    const details = (job.details ??= {});
    if (!job.isLive) return;
    details.signal = signal;
    details.unlink?.(); // it may have been leased before its acceptance was told
    const unlink = onAbort(signal, (reason) => {
      this.cancel(this.#depot.idOf(job), reason).catch((error: unknown) => {
        this.#host.onStoreError(error);
      });
    });
    const { alarms, time } = this.#engine;
    const alarm =
      details.expiresAtMs === undefined
        ? undefined
        : alarms.set(details.expiresAtMs - time.now(), () => {
            this.expire(job);
          });
    details.unlink = () => {
      unlink();
      alarms.cancel(alarm);
    };
  }

  /** It was leased with a deadline that may be another than before: that of one that has taken its place. */
  onPerishable(job: Job<D>): void {
    this.link(job, job.details?.signal);
  }

  /** A lease is over. Its deadline may have passed when nobody worked on it any more, and nobody had told the store. */
  onSettled(job: Job<D>): void {
    if (isQueued(job) && (job.details?.expiresAtMs ?? Infinity) <= this.#engine.time.now()) this.expire(job);
  }

  /** The deadline of a job has passed. */
  expire(linked: Job<D>): void {
    let job = linked;
    while (job.details?.successor !== undefined) job = job.details.successor; // its lease was lost: it goes on as another record
    const error = deadlineExceeded('a job');
    if (job.state === 'leased' && this.#stop(job, error, 'expired')) return;
    const answer = this.#depot.expire(job);
    if (!(answer instanceof Promise)) this.#onExpired(job, error, answer);
    else
      answer.then(
        (was) => {
          this.#onExpired(job, error, was);
        },
        () => undefined,
      ); // or the queue has closed meanwhile
  }

  #onExpired(job: Job<D>, error: Error, was: boolean): void {
    if (!was) return;
    this.#tally.onAccepted(job); // it may be one of an earlier process
    this.#tally.onDead(job, 'expired', error);
    this.#host.onEnded();
  }

  /** Asks a job that runs to stop, and tells whoever waits for its result. */
  #stop(job: Job<D>, reason: unknown, fate: 'cancelled' | 'expired'): boolean {
    const run = this.#engine.runs.find((one) => one.job === job);
    if (run === undefined || (run.end !== undefined && run.end.fate !== 'retry')) return false;
    this.#engine.abort(run, { reason, fate });
    if (job.ticket !== undefined) tellStop(job.ticket, reason);
    return true;
  }
}
