import type { Reason, Standing } from './standing.ts';
import { type Office, Term } from './term.ts';

/** @internal One campaign of this process, and the term that it leads to, if it does. */
export class Seat<Meta> {
  /** Its term is over when what acts in it says so, not when it resigns. */
  readonly bound: boolean;
  /** Whether the campaign was won; false also when nobody waits for it any more. */
  readonly elected: Promise<boolean>;
  /** Nobody acts in it, and the lease is given back or lost. */
  readonly gone: Promise<void>;
  /** The term is over, one way or the other. */
  readonly over: Promise<void>;
  begun: Term<Meta> | undefined;
  lost = false;
  taken!: (elected: boolean) => void;
  readonly #free: () => void;
  readonly #waiting = new Set<(error: Error | undefined) => void>();
  #leave!: () => void;
  #end!: () => void;

  constructor(bound: boolean, free: () => void) {
    this.bound = bound;
    this.#free = free;
    this.elected = new Promise((resolve) => (this.taken = resolve));
    this.gone = new Promise((resolve) => (this.#leave = resolve));
    this.over = new Promise((resolve) => (this.#end = resolve));
  }

  /** Only when it was elected. */
  get term(): Term<Meta> {
    return this.begun!;
  }

  begin(token: bigint, office: Office): Term<Meta> {
    const term = new Term<Meta>(token, office);
    this.begun = term;
    this.taken(true);
    return term;
  }

  lose(reason: Reason): void {
    this.lost = true;
    this.begun?.end(reason);
    this.#settle(this.begun?.signal.reason as Error);
    this.#end();
  }

  /** Resolves when the store has what the leader tells from now on. */
  stored(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.add((error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  /** A renewal may have told the world what somebody waits for. */
  hear({ calling, held }: Standing, after: Standing): void {
    const call = calling?.call;
    if (call?.kind !== 'renew' || call.data !== after.data || after.held === held || after.held === undefined) return;
    this.#settle(undefined);
  }

  end(): void {
    this.taken(false);
    this.begun?.end('resigned');
    this.#settle(this.begun?.signal.reason as Error);
    this.#free();
    this.#end();
    this.#leave();
  }

  #settle(error: Error | undefined): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const settle of waiting) settle(error);
  }
}
