import type { Clock, Timer } from './clock.ts';
import { type Deadline, deadlineExceeded } from './deadline.ts';
import { onAbort, type Unlink } from './signals.ts';

/** @internal What may end a piece of work from outside. */
export interface Limits {
  readonly signal?: AbortSignal | undefined;
  readonly deadline?: Deadline | undefined;
}

/**
 * @internal A piece of work that ends once: called off by its parent's signal, by its deadline or by its owner
 * (`end`), or done (`close`).
 *
 * - `end` aborts the signal with the reason and then tells `onEnd`, synchronously; nothing happens after the first time.
 * - after `close` the signal never aborts: whoever holds a result may still read its body.
 * - after either, neither a timer nor a listener is left.
 * - the signal is made when it is first asked for: a call that does not look at it does not pay for it.
 */
export class Scope {
  readonly #onEnd: ((reason: unknown) => void) | undefined;
  readonly #unlink: Unlink | undefined;
  readonly #timer: Timer | undefined;
  #controller: AbortController | undefined;
  #open = true;
  #ended = false;
  #reason: unknown;

  /** `what` names the work in the error of a passed deadline. The parent has not aborted, the deadline not passed. */
  constructor(what: string, limits: Limits, clock: Clock, onEnd?: (reason: unknown) => void) {
    this.#onEnd = onEnd;
    const leftMs = limits.deadline?.remaining() ?? Infinity;
    if (leftMs !== Infinity) {
      // It may be all that keeps the caller's promise alive, hence the ref.
      this.#timer = clock.setTimer(
        leftMs,
        () => {
          this.end(deadlineExceeded(what));
        },
        { ref: true },
      );
    }
    if (limits.signal !== undefined)
      this.#unlink = onAbort(limits.signal, (reason) => {
        this.end(reason);
      });
  }

  /** Aborts when the work is called off. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#ended) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Calls the work off. */
  end(reason: unknown): void {
    if (!this.#open) return;
    this.#ended = true;
    this.#reason = reason;
    this.close();
    this.#controller?.abort(reason);
    this.#onEnd?.(reason);
  }

  /** The work is done; lets go of the timer and of the parent. */
  close(): void {
    this.#open = false;
    this.#timer?.cancel();
    this.#unlink?.();
  }
}

/**
 * @internal Why work under these limits must not even start; undefined when it may.
 */
export function refusal(what: string, { signal, deadline }: Limits): { readonly reason: unknown } | undefined {
  if (signal?.aborted === true) return { reason: signal.reason };
  if (deadline?.expired === true) return { reason: deadlineExceeded(what) };
  return undefined;
}

/**
 * @internal Runs `work` in a scope of its own and settles as it does, or at once when the scope is called off first;
 * what `work` does after that goes unheard. A synchronous throw is a rejection. `settled` runs when `work` itself has
 * settled, however late.
 */
export function runScoped<T>(
  what: string,
  limits: Limits,
  clock: Clock,
  work: (scope: Scope) => T | PromiseLike<T>,
  settled?: (ok: boolean) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const scope = new Scope(what, limits, clock, reject);
    invoke(() => work(scope)).then(
      (value) => {
        scope.close();
        settled?.(true);
        resolve(value);
      },
      (error: unknown) => {
        scope.close();
        settled?.(false);
        reject(error);
      },
    );
  });
}

/**
 * @internal Calls a function so that a synchronous throw becomes a rejection, and so that what comes back is a promise of
 * the platform: one with a `then` of its own, which may throw or call twice, is adopted and not trusted.
 */
export function invoke<T>(fn: () => T | PromiseLike<T>): Promise<T> {
  try {
    const result = fn();
    const promise = Promise.resolve(result);
    if (promise.then === nativeThen) return promise;
    return new Promise((resolve) => {
      resolve(result);
    });
  } catch (error) {
    return Promise.reject(error);
  }
}

// eslint-disable-next-line @typescript-eslint/unbound-method -- compared, not called
const nativeThen = Promise.prototype.then;
