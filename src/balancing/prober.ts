import type { Timer } from '../core/clock.ts';
import { deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import type { Runtime } from '../core/runtime.ts';
import { invoke, Scope } from '../core/scope.ts';

/** Asks members for their health, beside the calls. */
export interface MemberProbe<M> {
  /**
   * Resolves when the member is well; rejects, throws or resolves with `false` when it is not. Pass the signal on.
   *
   * @param member - whom to ask
   * @param options - `signal`: aborts when the time is up, or when nobody wants to know any more
   */
  readonly check: (member: M, options: { readonly signal: AbortSignal }) => unknown;
  /**
   * Milliseconds between two probes of a member, a quarter more or less by chance.
   *
   * @defaultValue 5000
   */
  readonly everyMs?: number | undefined;
  /**
   * Milliseconds after which a probe has failed.
   *
   * @defaultValue 1000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Probes in a row that must succeed for a member to be restored.
   *
   * @defaultValue 2
   */
  readonly rise?: number | undefined;
  /**
   * Probes in a row that must fail for a member to be ejected.
   *
   * @defaultValue 3
   */
  readonly fall?: number | undefined;
}

/** @internal What a {@link Prober} needs of it. */
export interface ProbeSettings<M> {
  readonly check: MemberProbe<M>['check'];
  readonly everyMs: number;
  readonly timeoutMs: number;
}

const what = 'a health probe';

/** @internal Probes one member again and again until it is stopped. Its timers keep no process alive. */
export class Prober<M> {
  readonly #probe: ProbeSettings<M>;
  readonly #member: () => M;
  readonly #runtime: Runtime;
  readonly #tell: (ok: boolean) => void;
  #timer: Timer;
  #scope: Scope | undefined;
  #stopped = false;

  /** The first probe comes at once or up to `everyMs` later, by chance, so that many clients do not probe together. */
  constructor(probe: ProbeSettings<M>, member: () => M, runtime: Runtime, tell: (ok: boolean) => void) {
    this.#probe = probe;
    this.#member = member;
    this.#runtime = runtime;
    this.#tell = tell;
    this.#timer = this.#wait(probe.everyMs * runtime.random());
  }

  /** No further probe; one under way is called off. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#timer.cancel();
    this.#scope?.end(new HoldfastError('CLOSED', `${what} is no longer wanted`));
  }

  #wait(ms: number): Timer {
    return this.#runtime.clock.setTimer(ms, () => {
      this.#ask();
    });
  }

  #ask(): void {
    const { check, everyMs, timeoutMs } = this.#probe;
    const { clock, random } = this.#runtime;
    const scope = new Scope(what, {}, clock, () => {
      end(false);
    });
    this.#scope = scope;
    this.#timer = clock.setTimer(timeoutMs, () => {
      scope.end(deadlineExceeded(what));
    });
    let over = false;
    const end = (ok: boolean): void => {
      if (over) return;
      over = true;
      this.#timer.cancel();
      scope.close();
      if (this.#stopped) return;
      this.#timer = this.#wait(everyMs * (0.75 + random() / 2));
      this.#tell(ok);
    };
    invoke(() => check(this.#member(), { signal: scope.signal })).then(
      (answer) => {
        end(answer !== false);
      },
      () => {
        end(false);
      },
    );
  }
}
