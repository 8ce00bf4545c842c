/** More failures say nothing new, and would keep a member out long after it has healed. */
const most = 5;

/** @internal How many of a member's last calls failed: one more with each failure, half with each success, less with time. */
export class RecentFailures {
  readonly #tauMs: number;
  #count = 0;
  #stampMs = 0;
  /** When the first call of the present row of failures started. */
  #rowMs = Infinity;

  constructor(tauMs: number) {
    this.#tauMs = tauMs;
  }

  read(now: number): number {
    return this.#count === 0 ? 0 : this.#count * Math.exp(Math.min(0, this.#stampMs - now) / this.#tauMs);
  }

  failed(now: number, startedMs: number): void {
    this.#rowMs = Math.min(this.#rowMs, startedMs);
    this.#set(Math.min(most, this.read(now) + 1), now);
  }

  /** A success of a call that had started before the row did says nothing new: who has died answers what it had begun. */
  succeeded(now: number, startedMs: number): void {
    if (this.#rowMs !== Infinity && startedMs < this.#rowMs) return;
    this.#rowMs = Infinity;
    if (this.#count !== 0) this.#set(this.read(now) / 2, now);
  }

  #set(count: number, now: number): void {
    this.#count = count;
    this.#stampMs = now;
  }
}
