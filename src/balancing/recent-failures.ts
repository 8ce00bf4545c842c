/** More failures say nothing new, and would keep a member out long after it has healed. */
const most = 5;

/** @internal How many of a member's last calls failed: one more with each failure, half with each success, less with time. */
export class RecentFailures {
  readonly #tauMs: number;
  #count = 0;
  #stampMs = 0;
  #failedMs = -Infinity;

  constructor(tauMs: number) {
    this.#tauMs = tauMs;
  }

  read(now: number): number {
    return this.#count === 0 ? 0 : this.#count * Math.exp(Math.min(0, this.#stampMs - now) / this.#tauMs);
  }

  failed(now: number): void {
    this.#failedMs = now;
    this.#set(Math.min(most, this.read(now) + 1), now);
  }

  /** A success of a call that started before the last failure says nothing new. */
  succeeded(now: number, startedMs: number): void {
    if (this.#count !== 0 && startedMs >= this.#failedMs) this.#set(this.read(now) / 2, now);
  }

  #set(count: number, now: number): void {
    this.#count = count;
    this.#stampMs = now;
  }
}
