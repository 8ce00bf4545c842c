import { check, number } from '../core/options.ts';
import { leadershipLost } from './errors.ts';

/** How a leader gives up. */
export interface ResignOptions {
  /** Who should follow; the others let this candidate try first, where the store keeps what is told. */
  readonly to?: string | undefined;
  /**
   * How long what is done for the term may take to stop, in milliseconds. When it takes longer, the lease is not given back
   * but left to expire.
   *
   * @defaultValue the election's `drainMs`
   */
  readonly drainMs?: number | undefined;
}

/** @internal What a term needs of its election. */
export interface Office {
  readonly key: string;
  readonly id: string;
  /** Milliseconds that the lease may be relied upon, from now; 0: not any more. What that means is known when it returns. */
  remainingMs(): number;
  update(meta: unknown): Promise<void>;
  resign(options: ResignOptions): Promise<void>;
}

const minRule = number({ min: 0 });

/**
 * A term of office: from an election to a resignation or a loss. It never comes back; whoever leads again has another, with a
 * higher token.
 *
 * Promises, with clocks that run at the true rate within 1 % and a store that keeps its word: while `check` passes, nobody
 * else's passes. `signal.aborted` asks the clock itself, so that it is right in the statement after an event loop that stood
 * still.
 *
 * Does not promise that what you do after a check still finds you in office: a process may be stopped between the two, for any
 * length of time. Send the token along and let the resource refuse smaller ones.
 */
export class Term<Meta = unknown> implements AsyncDisposable {
  /** Grows with each term of the election, whoever leads. */
  readonly token: bigint;
  /** Who leads: this candidate's id. */
  readonly id: string;
  /** Aborts when the leader should stop: it has resigned, or the lease is lost. */
  readonly signal: AbortSignal;
  readonly #office: Office;
  readonly #controller = new AbortController();
  #stopped: Error | undefined;
  #over: Error | undefined;

  /** @internal */
  constructor(token: bigint, office: Office) {
    this.token = token;
    this.id = office.id;
    this.#office = office;
    this.signal = this.#controller.signal;
    // The timer that would abort it may be late; who asks is told the truth.
    Object.defineProperties(this.signal, {
      aborted: { get: () => this.#reason !== undefined },
      reason: { get: () => this.#reason },
      throwIfAborted: {
        value: () => {
          if (this.#reason !== undefined) throw this.#reason;
        },
      },
    });
  }

  /** For how many milliseconds more the term is certain to last without a renewal; 0 when it is over. */
  remainingMs(): number {
    const leftMs = this.#over === undefined ? this.#office.remainingMs() : 0;
    // Who asks in a listener asks before the election has heard of the loss.
    if (leftMs <= 0) this.end('its time has run out');
    return leftMs;
  }

  /**
   * Throws unless this candidate leads, and will do so for a while.
   *
   * @param minRemainingMs - for how many milliseconds at least
   * @throws {@link HoldfastError} `LEADERSHIP_LOST`, `INVALID_OPTION`
   */
  check(minRemainingMs = 0): void {
    check('minRemainingMs', minRemainingMs, minRule);
    const leftMs = this.remainingMs();
    if (this.#over !== undefined) throw this.#over;
    if (leftMs < minRemainingMs) {
      const why = `has ${String(Math.floor(leftMs))} ms left, and ${String(minRemainingMs)} are asked for`;
      throw leadershipLost(this.#office.key, this.token, why);
    }
  }

  /**
   * Runs `fn` if this candidate leads before it, and says whether it still did after it.
   *
   * @param fn - gets the token, to send along
   * @param minRemainingMs - for how many milliseconds the term must last at least
   * @throws {@link HoldfastError} `LEADERSHIP_LOST` as a rejection, before or after; what was done then may have been done too
   * late
   */
  async guard<T>(fn: (token: bigint) => T | PromiseLike<T>, minRemainingMs = 0): Promise<T> {
    this.check(minRemainingMs);
    const value = await fn(this.token);
    this.check();
    return value;
  }

  /**
   * Tells the world something else.
   *
   * @param meta - anything that JSON can say
   * @returns when the store has it
   * @throws {@link HoldfastError} `LEADERSHIP_LOST` as a rejection when the term ends before
   */
  async update(meta: Meta): Promise<void> {
    this.check();
    await this.#office.update(meta);
  }

  /**
   * Gives up: `signal` aborts, the lease is renewed on until nobody acts for the term, then it is given back. In `run` that is
   * when the body has settled, so do not await this in there; else at once.
   *
   * @param options - for whom, and how long it may take
   * @returns when it is over, whatever became of it
   */
  async resign(options: ResignOptions = {}): Promise<void> {
    await this.#office.resign(options);
  }

  /** {@link Term.resign}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign();
  }

  /** Why the leader should stop, as of now. */
  get #reason(): Error | undefined {
    this.remainingMs();
    return this.#stopped;
  }

  /** @internal Whether the leader should stop. */
  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** @internal The leader should stop. */
  stop(why: string): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = leadershipLost(this.#office.key, this.token, `is over: ${why}`);
    this.#controller.abort(this.#stopped);
  }

  /** @internal The lease is not this candidate's any more. */
  end(why: string): void {
    this.#over ??= leadershipLost(this.#office.key, this.token, `is over: ${why}`);
    this.stop(why);
  }
}
