import type { Clock } from '../core/clock.ts';
import { Deadline, deadlineExceeded } from '../core/deadline.ts';
import type { Runtime } from '../core/runtime.ts';
import { invoke, Scope } from '../core/scope.ts';
import { narrowed } from './attempt.ts';
import type { Call } from './call.ts';

const what = 'a shadow';

/** What became of one side of a shadowed call. */
export type Shadowed<T> =
  | {
      /** It answered. */
      readonly status: 'ok';
      /** The answer. */
      readonly value: T;
      /** How long it took, in milliseconds. */
      readonly ms: number;
    }
  | {
      /** It failed, or took too long. */
      readonly status: 'failed';
      /** Of what. */
      readonly error: unknown;
      /** How long it took, in milliseconds. */
      readonly ms: number;
    };

/** A snapshot of a `shadow`. The counts are since the beginning. */
export interface ShadowStats {
  /** Copies under way. */
  readonly inFlight: number;
  /** Copies made. */
  readonly sent: number;
  /** Copies not made because too many were under way. */
  readonly dropped: number;
  /** Copies that were answered in time. */
  readonly ok: number;
  /** Copies that failed in time. */
  readonly failed: number;
  /** Copies that took too long. */
  readonly late: number;
}

/** @internal Who is copied to: sends, bounds, counts. Nothing here rejects. */
export class Mirror<Req, Res2> {
  readonly #to: Call<Req, Res2>;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #counts = { inFlight: 0, sent: 0, dropped: 0, ok: 0, failed: 0, late: 0 };

  constructor(to: Call<Req, Res2>, timeoutMs: number, { clock }: Runtime) {
    this.#to = to;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  admits(maxInFlight: number): boolean {
    const admitted = this.#counts.inFlight < maxInFlight;
    if (!admitted) this.#counts.dropped++;
    return admitted;
  }

  /** Starts the copy in a turn of its own, later, and tells what became of it. It counts from now on. */
  async send(request: Req): Promise<Shadowed<Res2>> {
    const counts = this.#counts;
    counts.inFlight++;
    counts.sent++;
    // A timer, for what only a promise separates is one turn: the call's own promises would wait for the copy's work. Not
    // ref'd, as the other: no caller waits for a copy.
    await new Promise<void>((resolve) => {
      this.#clock.setTimer(0, resolve);
    });
    const startedMs = this.#clock.now();
    const scope = new Scope(what, {}, this.#clock);
    const deadline = Deadline.after(this.#timeoutMs, this.#clock);
    const options = narrowed({}, scope, deadline);
    const answer = outcomeOf(
      invoke(() => this.#to(request, options)),
      this.#clock,
      startedMs,
    );
    return await new Promise((resolve) => {
      let late = false;
      const timer = this.#clock.setTimer(this.#timeoutMs, () => {
        late = true;
        counts.late++;
        const error = deadlineExceeded(what);
        scope.end(error);
        resolve({ status: 'failed', error, ms: this.#clock.now() - startedMs });
      });
      void answer.then((outcome) => {
        counts.inFlight--;
        if (late) return;
        timer.cancel();
        scope.close();
        counts[outcome.status]++;
        resolve(outcome);
      });
    });
  }

  stats(): ShadowStats {
    return { ...this.#counts };
  }
}

/** @internal What a promise came to, and how long it took. Never rejects. */
export async function outcomeOf<T>(promise: Promise<T>, clock: Clock, startedMs: number): Promise<Shadowed<T>> {
  try {
    const value = await promise;
    return { status: 'ok', value, ms: clock.now() - startedMs };
  } catch (error) {
    return { status: 'failed', error, ms: clock.now() - startedMs };
  }
}
