import { HoldfastError } from '../core/errors.ts';
import { Emitter } from '../core/events.ts';
import { check, func, number } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { invoke } from '../core/scope.ts';
import { onAbort, signalRule } from '../core/signals.ts';
import { Campaigns } from './campaigns.ts';
import { isLeadershipLost } from './errors.ts';
import type { ElectionEvents } from './events.ts';
import type { LeaderInfo } from './leader-info.ts';
import type { LeaseStore } from './lease-store.ts';
import { observe } from './observe.ts';
import { type ElectionOptions, type ElectionSettings, settingsFrom } from './options.ts';
import type { Term } from './term.ts';

/** Options of a campaign. */
export interface CampaignOptions {
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** What {@link Election.health} says. */
export interface ElectionHealth {
  /** Whether all is well. */
  readonly ok: boolean;
  /** Why not. */
  readonly reason?: string;
}

const bodyRule = func<(term: never) => unknown>();
const overdueRule = number({ min: 0 });

/**
 * One leader at a time among the candidates of one name in one store.
 *
 * Promises, with clocks that run at the true rate within 1 % and a store that keeps its word ({@link LeaseStore}): at any true
 * instant at most one candidate's `check` passes; tokens grow with each term; in this process at most one body runs at a time,
 * the next not before the one before has settled; a store that does not answer costs a leader nothing until its lease is over;
 * nothing is called after `close` has resolved. A leader that vanishes is followed within `ttlMs` and a little; one that
 * resigns at once, where the store gives hints.
 *
 * Does not promise that a process that stands still does nothing when it goes on: what it had checked before, it does. Only
 * the resource can refuse that, by the token.
 *
 * Sets one timer at a time, and one for each call to the store. Complexity: a leader makes one call every `renewMs`, another
 * candidate one for each lease, where the store gives hints when it changes hands; else one every `renewMs`.
 *
 * Source: C. Gray, D. Cheriton, "Leases" (1989); M. Burrows, "The Chubby lock service" (2006); the holder's deadline from
 * before the send as in the DynamoDB lock client.
 *
 * @example
 * ```ts
 * import { Election, MemoryLeaseStore } from 'holdfast/election';
 *
 * const election = new Election(new MemoryLeaseStore(), { name: 'indexer', id: 'a' });
 * const done: string[] = [];
 * await election.run(async (term) => {
 *   term.check();
 *   done.push(`${term.id} indexes`);
 * });
 * await election.close();
 * done // => ['a indexes']
 * ```
 */
export class Election<Meta = unknown> extends Emitter<ElectionEvents<Meta>> implements AsyncDisposable {
  readonly #store: LeaseStore;
  readonly #settings: ElectionSettings;
  readonly #campaigns: Campaigns<Meta>;
  readonly #closing = new AbortController();
  /** Nothing is told any more. */
  #over = false;

  /**
   * @param store - where the lease is kept
   * @param options - name, identity, lengths, what to tell the world
   * @throws {@link HoldfastError} `INVALID_OPTION`, also for lengths that do not fit together or the store
   */
  constructor(store: LeaseStore, options: ElectionOptions<Meta>) {
    super();
    this.#store = store;
    this.#settings = settingsFrom(store, options);
    this.#campaigns = new Campaigns<Meta>(store, this.#settings, (name, event) => {
      if (!this.#over) this.emit(name, event);
    });
  }

  /** The term that this process is in; undefined when it does not lead. */
  get term(): Term<Meta> | undefined {
    return this.#campaigns.term;
  }

  /** Who stands. */
  get id(): string {
    return this.#settings.id;
  }

  /**
   * Stands for election until `body` has run to its end in office: it is called with each term, again after each loss, never
   * twice at a time. When it returns or throws in office, the lease is given back.
   *
   * @param body - what a leader does; stops when the term's signal aborts. What it throws after a loss is a process warning,
   * but for the loss itself
   * @param options - `signal`: resign, let the body stop, and come back
   * @returns when the body has returned in office, the signal has aborted or the election was closed
   * @throws {@link HoldfastError} as a rejection: `INVALID_OPTION`, `CLOSED`; else what the body threw in office
   */
  async run(body: (term: Term<Meta>) => unknown, options: CampaignOptions = {}): Promise<void> {
    check('body', body, bodyRule);
    this.#checkCampaign(options);
    for (;;) {
      const seat = await this.#campaigns.elect(options.signal, true);
      if (seat === undefined) return;
      if (isAborted(options.signal)) {
        await this.#campaigns.leave(seat);
        return;
      }
      const { term } = seat;
      const unlink = onAbort(options.signal, () => {
        this.#campaigns.resign();
      });
      const failure = await invoke(() => body(term)).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      unlink();
      term.remainingMs(); // it may be over, and nobody have asked
      const { lost } = seat;
      const { stopped } = term;
      await this.#campaigns.leave(seat);
      const expected = failure === undefined || (stopped && isLeadershipLost(failure.error));
      if (!lost && !expected) throw failure.error;
      if (!expected) reportError('the body of an election failed after its term was lost', failure.error);
      if (!lost || isAborted(options.signal)) return;
    }
  }

  /**
   * Stands for election and gives the term, for `await using`. There is no other term in this process until it has resigned.
   *
   * @param options - `signal`: ends the wait; not the term
   * @throws {@link HoldfastError} as a rejection: `INVALID_OPTION`, `CLOSED`; else the signal's reason
   */
  async acquire(options: CampaignOptions = {}): Promise<Term<Meta>> {
    this.#checkCampaign(options);
    const { signal } = options;
    const seat = await this.#campaigns.elect(signal, false);
    if (seat !== undefined) return seat.term;
    throw isAborted(signal) ? signal!.reason : closed();
  }

  /**
   * Each term in turn, for `for await`: what is done for a term ends with the step to the next, which waits for the next
   * election. Leaving the loop resigns.
   *
   * @param options - `signal`: ends the iteration while it waits; it resigns no term
   * @throws {@link HoldfastError} `INVALID_OPTION`, `CLOSED`
   */
  terms(options: CampaignOptions = {}): AsyncIterableIterator<Term<Meta>> {
    this.#checkCampaign(options);
    let term: Term<Meta> | undefined;
    const ending = new AbortController();
    const unlink = onAbort(options.signal, () => {
      ending.abort();
    });
    const iterator: AsyncIterableIterator<Term<Meta>> = {
      [Symbol.asyncIterator]: () => iterator,
      next: async () => {
        await term?.resign();
        term = (await this.#campaigns.elect(ending.signal, false))?.term;
        if (term !== undefined && !ending.signal.aborted) return { done: false, value: term };
        unlink();
        await term?.resign();
        return { done: true, value: undefined };
      },
      return: async () => {
        unlink();
        ending.abort();
        await term?.resign();
        return { done: true, value: undefined };
      },
    };
    return iterator;
  }

  /**
   * Who leads, now and after each change; null: nobody. Does not stand for election. Tokens never go back; a slow reader gets the
   * newest. What it shows is of the past: it says where to ask, never who may act.
   *
   * @param options - `signal`: ends the iteration
   */
  observe(options: CampaignOptions = {}): AsyncIterableIterator<LeaderInfo<Meta> | null> {
    this.#checkCampaign(options);
    return observe<Meta>(this.#store, this.#settings, [options.signal, this.#closing.signal]);
  }

  /**
   * For a health check of the process: not ok when a term was lost and what is done for it has not stopped since.
   *
   * @param maxOverdueMs - for so many milliseconds it may go on; default: `ttlMs`
   */
  health(maxOverdueMs: number = this.#settings.timing.ttlMs): ElectionHealth {
    check('maxOverdueMs', maxOverdueMs, overdueRule);
    const { overdueMs } = this.#campaigns;
    if (!(overdueMs > maxOverdueMs)) return { ok: true };
    return { ok: false, reason: `a term was lost ${String(Math.round(overdueMs))} ms ago and its body goes on` };
  }

  /**
   * Resigns, lets the body stop, and ends every campaign and observation. Idempotent. When it has resolved, nothing is called
   * any more; a body that does not stop within `drainMs` is left behind.
   */
  async close(): Promise<void> {
    this.#closing.abort();
    const gone = this.#campaigns.close();
    const { clock } = this.#settings.runtime;
    const { drainMs, requestMs } = this.#settings.timing;
    await new Promise<void>((resolve) => {
      // The body may go on for ever, and the store be silent.
      const timer = clock.setTimer(drainMs + 2 * requestMs, resolve, { ref: true });
      void gone.then(() => {
        timer.cancel();
        resolve();
      });
    });
    // After a standstill more may be due in this very instant.
    this.#over = true;
    this.#campaigns.rest();
  }

  /** {@link Election.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkCampaign(options: CampaignOptions): void {
    if (options.signal !== undefined) check('signal', options.signal, signalRule);
    if (this.#closing.signal.aborted) throw closed();
  }
}

function closed(): HoldfastError {
  return new HoldfastError('CLOSED', 'the election is closed');
}

/** A function, for an abort is not seen by the type checker. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}
