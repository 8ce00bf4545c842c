import type { Timer } from '../core/clock.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import type { Runtime } from '../core/runtime.ts';
import { invoke } from '../core/scope.ts';
import { type Instant, instantOf } from './instant.ts';
import type { LeaseStore } from './lease-store.ts';
import { step } from './machine.ts';
import type { Rules } from './rules.ts';
import { type ElectionEvent, idle, remainingMs, type Standing, type StoreCall, wakeMs } from './standing.ts';
import { perform } from './store-calls.ts';
import { Watching } from './watching.ts';

const what = 'a call to the lease store';

/**
 * @internal The machine with time, a store and somebody who listens. Events are taken one after another, those included that a
 * listener causes: nobody else writes.
 */
export class Candidate {
  readonly rules: Rules;
  readonly #store: LeaseStore;
  readonly #runtime: Runtime;
  readonly #tell: (before: Standing, after: Standing) => void;
  readonly #watching: Watching | undefined;
  readonly #events: ElectionEvent[] = [];
  #standing: Standing = idle;
  #running = false;
  readonly #quiet: (() => void)[] = [];
  #timer: Timer | undefined;
  #callOff: (() => void) | undefined;

  /** `tell` hears of each event's outcome, at once. It must not throw. */
  constructor(store: LeaseStore, rules: Rules, runtime: Runtime, tell: (before: Standing, after: Standing) => void) {
    this.#store = store;
    this.rules = rules;
    this.#runtime = runtime;
    this.#tell = tell;
    if (store.watch !== undefined) {
      this.#watching = new Watching(
        (signal) => store.watch!(rules.key, signal),
        rules.renewMs,
        runtime,
        (event) => {
          this.dispatch(event);
        },
      );
    }
  }

  /** For how long the lease may be relied upon, now; when that is over, the loss is known before this returns. */
  remainingMs(): number {
    const leftMs = remainingMs(this.#standing, this.#now(), this.rules);
    if (leftMs > 0) return leftMs;
    this.dispatch({ type: 'wake' });
    return 0;
  }

  /** Begins, or goes on after a term. */
  campaign(data: string | undefined): void {
    this.#watching?.start();
    this.dispatch({ type: 'campaign', data });
  }

  /** Gives up what there is; who does not lead does not wait for an answer either. */
  resign(data: string | undefined, drainMs: number): void {
    this.dispatch({ type: 'resign', data, drainMs });
  }

  /** Resolves when no call to the store is under way; what is to be given back is asked for as soon as none is. */
  async quiet(): Promise<void> {
    while (this.#standing.calling !== undefined) await new Promise<void>((resolve) => this.#quiet.push(resolve));
  }

  /** Nobody campaigns for the time being. */
  rest(): void {
    this.#watching?.stop();
  }

  dispatch(event: ElectionEvent): void {
    this.#events.push(event);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) this.#take(next);
    } finally {
      this.#running = false;
    }
    this.#setTimer();
  }

  #take(event: ElectionEvent): void {
    const before = this.#standing;
    const [after, call] = step(before, event, this.#now(), this.rules);
    this.#standing = after;
    if (call !== undefined) this.#send(call);
    this.#tell(before, after);
    if (event.type === 'resign' && after.leaving && asks(before)) this.#callOff?.();
    for (const resolve of this.#quiet.splice(0)) resolve();
  }

  #now(): Instant {
    return instantOf(this.#runtime.clock);
  }

  #setTimer(): void {
    this.#timer?.cancel();
    const ms = wakeMs(this.#standing, this.rules) - this.#runtime.clock.now();
    this.#timer =
      ms === Infinity
        ? undefined
        : this.#runtime.clock.setTimer(
            ms,
            () => {
              this.dispatch({ type: 'wake' });
            },
            { ref: true },
          );
  }

  #send(call: StoreCall): void {
    const controller = new AbortController();
    let open = true;
    const end = (event: ElectionEvent): boolean => {
      if (!open) return false;
      open = false;
      timer.cancel();
      this.#callOff = undefined;
      this.dispatch(event);
      return true;
    };
    const giveUp = (): void => {
      if (end({ type: 'unanswered' })) controller.abort(deadlineExceeded(what));
    };
    // Not before the send: an answer that is there at once would have nothing to cancel.
    const timer = this.#runtime.clock.setTimer(this.rules.requestMs, giveUp, { ref: true });
    this.#callOff = giveUp;
    invoke(() => perform(this.#store, call, this.rules, controller.signal)).then(
      (answer) => {
        if (end({ type: 'answered', answer })) return;
        if (answer.kind === 'acquire' && answer.result.granted)
          this.dispatch({ type: 'stray', record: answer.result.record });
      },
      () => {
        end({ type: 'unanswered' });
      },
    );
  }
}

/** Whether a call is under way that only asks. What gives a lease back, or asks whether there is one to, is worth its wait. */
function asks({ calling, unsure }: Standing): boolean {
  return calling?.call.kind === 'acquire' || (calling?.call.kind === 'read' && !unsure);
}
