/** @internal One call in flight. */
export class Flight<S extends { readonly member: unknown }> {
  readonly slot: S;
  /** As it was at the start: an update may bring a new object. */
  readonly member: S['member'];
  readonly startedMs: number;
  /** It was let through to try an ejected member. */
  readonly trial: boolean;
  /** What became of it is not known yet: somebody waits for it. */
  open = true;
  older: Flight<S> | undefined;
  newer: Flight<S> | undefined;

  constructor(slot: S, startedMs: number, trial: boolean) {
    this.slot = slot;
    this.member = slot.member;
    this.startedMs = startedMs;
    this.trial = trial;
  }
}

/** @internal Open flights in the order of their start, in O(1) each: the first is the oldest. */
export class Flights<S extends { readonly member: unknown }> {
  #newest: Flight<S> | undefined;
  oldest: Flight<S> | undefined;

  add(flight: Flight<S>): void {
    flight.older = this.#newest;
    if (this.#newest === undefined) this.oldest = flight;
    else this.#newest.newer = flight;
    this.#newest = flight;
  }

  delete(flight: Flight<S>): void {
    const { older, newer } = flight;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    flight.older = flight.newer = undefined;
  }
}
