/** @internal Calls that were served and that failed. */
export interface Tally {
  readonly served: number;
  readonly failed: number;
}

/** @internal A member's calls of late: each counts for less with time, by `e^(-t/τ)`. */
export class RecentCalls {
  readonly #tauMs: number;
  #served = 0;
  #failed = 0;
  #stampMs = 0;

  constructor(tauMs: number) {
    this.#tauMs = tauMs;
  }

  add(ok: boolean, now: number): void {
    const weight = this.#weight(now);
    this.#served = this.#served * weight + (ok ? 1 : 0);
    this.#failed = this.#failed * weight + (ok ? 0 : 1);
    this.#stampMs = now;
  }

  read(now: number): Tally {
    const weight = this.#weight(now);
    return { served: this.#served * weight, failed: this.#failed * weight };
  }

  /** Whether at most one call of five has failed, but for a single one. */
  serves(now: number): boolean {
    const { served, failed } = this.read(now);
    return failed - 1 <= (served + failed) / 5;
  }

  clear(): void {
    this.#served = this.#failed = 0;
  }

  #weight(now: number): number {
    return Math.exp(Math.min(0, this.#stampMs - now) / this.#tauMs);
  }
}
