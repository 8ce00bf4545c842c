import { Job } from './backlog/job.ts';
import type { Alarm } from './alarms.ts';
import type { JobContext } from './worker-pool.ts';

/** @internal What a run asks of its queue. */
export interface RunHost<D> {
  idOf(job: Job<D>): string;
  onProgress(run: Run<D>, value: unknown): void;
  onExtend(run: Run<D>, ms: number | undefined): Promise<void>;
}

/** @internal What ended a run from outside, and what becomes of its job if the handler fails then. */
export interface RunEnd {
  readonly reason: unknown;
  /** `retry`: as with any failure, with the reason as its error. `final`: whatever the handler says. */
  readonly fate: 'retry' | 'release' | 'cancelled' | 'expired' | 'lost';
}

/** @internal One attempt under way: what the handler is told, and how it is asked to stop. */
export class Run<D> implements JobContext {
  /** See {@link Job.example}. */
  static readonly example: Run<unknown> = new Run<unknown>(Job.example, undefined as never, 0.5);
  readonly job: Job<D>;
  readonly attempt: number;
  readonly crashes: number;
  readonly startedMs: number;
  readonly #host: RunHost<D>;
  readonly #fence: number | bigint;
  #controller: AbortController | undefined;
  #open = true;
  /** Why the handler was asked to stop. */
  end: RunEnd | undefined;
  /** Its timeout, or, once it was asked to stop, the end of patience. */
  alarm: Alarm | undefined;
  /** Where it stands among the runs. */
  place = -1;

  constructor(job: Job<D>, host: RunHost<D>, startedMs: number) {
    this.job = job;
    this.#host = host;
    this.attempt = job.attempt;
    this.crashes = job.crashes;
    this.startedMs = startedMs;
    this.#fence = job.details?.fence ?? job.fence;
  }

  get id(): string {
    return this.#host.idOf(this.job);
  }

  get fence(): bigint {
    return BigInt(this.#fence);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.end !== undefined) this.#controller.abort(this.end.reason);
    }
    return this.#controller.signal;
  }

  // Bound, for handlers take their context apart.
  get progress(): (value: unknown) => void {
    return (value) => {
      if (this.#open) this.#host.onProgress(this, value);
    };
  }

  get extend(): (ms?: number) => Promise<void> {
    return (ms) => this.#host.onExtend(this, ms);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Asks the handler to stop. Only the first time counts, but for what is worse than to be tried again. */
  abort(end: RunEnd): boolean {
    if (!this.#open || (this.end !== undefined && (this.end.fate !== 'retry' || end.fate === 'retry'))) return false;
    this.end = end;
    this.#controller?.abort(end.reason);
    return true;
  }

  /** The handler has settled: its signal never aborts any more. */
  close(): void {
    this.#open = false;
  }
}
