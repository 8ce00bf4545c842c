import { discardWith, type RaceResult } from '../calls/race-entry.ts';
import { type Deadline, deadlineExceeded } from '../core/deadline.ts';
import { HoldfastError } from '../core/errors.ts';
import { Scope } from '../core/scope.ts';
import { ask, type Leaf, type LeafPlan, outcomeOf, unasked } from './leaf.ts';
import type { LeafStatus, Outcome } from './outcome.ts';

interface Taker<T, V> {
  readonly resolve: (result: IteratorResult<Outcome<T, V>, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

const what = 'a scatter';

/** @internal One scatter under way: asks ahead of its reader as far as the concurrency goes. Begins with the first `next`. */
export class Scattering<T, V> implements AsyncIterator<Outcome<T, V>, undefined> {
  readonly #plan: LeafPlan<T, V>;
  readonly #deadlineOf: () => Deadline;
  readonly #leaves: readonly Leaf<T, V>[];
  readonly #open = new Set<Leaf<T, V>>();
  /** Outcomes that nobody has taken yet. */
  readonly #ready: Outcome<T, V>[] = [];
  readonly #takers: Taker<T, V>[] = [];
  #deadline: Deadline | undefined;
  #scope: Scope | undefined;
  #asked = 0;
  /** Nothing more is asked or heard. */
  #over = false;
  /** What the next reader is to be told. */
  #failure: { readonly reason: unknown } | undefined;

  constructor(plan: LeafPlan<T, V>, deadlineOf: () => Deadline) {
    this.#plan = plan;
    this.#deadlineOf = deadlineOf;
    this.#leaves = plan.targets.map((target) => unasked(target));
  }

  next(): Promise<IteratorResult<Outcome<T, V>, undefined>> {
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      if (this.#deadline === undefined && !this.#over) this.#start();
      this.#serve();
    });
  }

  /** The loop was left: the rest is called off. */
  return(): Promise<IteratorResult<Outcome<T, V>, undefined>> {
    this.#failure = undefined;
    this.#drop(new HoldfastError('SUPERSEDED', 'the loop over a scatter was left'));
    this.#serve();
    return Promise.resolve({ done: true, value: undefined });
  }

  #start(): void {
    const { signal, runtime } = this.#plan;
    const deadline = (this.#deadline = this.#deadlineOf());
    if (signal?.aborted === true) {
      this.#abort(signal.reason);
    } else if (deadline.expired) {
      this.#onTimeOver();
    } else {
      this.#scope = new Scope(what, { signal, deadline }, runtime.clock, (reason) => {
        if (signal?.aborted === true) this.#abort(reason);
        else this.#onTimeOver();
      });
    }
  }

  /** Gives what is ready to whom waits, and asks on. */
  #serve(): void {
    this.#askOn();
    for (let taker = this.#takers[0]; taker !== undefined; taker = this.#takers[0]) {
      const outcome = this.#ready.shift();
      if (outcome !== undefined) taker.resolve({ done: false, value: outcome });
      else if (this.#failure !== undefined) taker.reject(this.#failure.reason);
      else if (this.#finished) taker.resolve({ done: true, value: undefined });
      else return;
      if (outcome === undefined) this.#failure = undefined;
      this.#takers.shift();
      this.#askOn();
    }
  }

  get #finished(): boolean {
    return this.#over || (this.#asked === this.#leaves.length && this.#open.size === 0);
  }

  /** As long as less than `concurrency` targets have been asked whose outcome nobody has taken. */
  #askOn(): void {
    const most = this.#plan.concurrency ?? Infinity;
    while (!this.#over && this.#asked < this.#leaves.length && this.#open.size + this.#ready.length < most) {
      const deadline = this.#deadline!;
      if (deadline.expired) {
        this.#onTimeOver();
        return;
      }
      const leaf = this.#leaves[this.#asked++]!;
      this.#open.add(leaf);
      ask(leaf, deadline, this.#plan, (result) => {
        this.#onResult(leaf, result);
      });
    }
    if (this.#finished) this.#scope?.close();
  }

  #onResult(leaf: Leaf<T, V>, result: RaceResult<V>): void {
    if (result.status === 'failed' && this.#deadline!.expired) {
      // A leaf that watches the same deadline may hear of it before we do: it is late, not broken.
      this.#onTimeOver();
      return;
    }
    leaf.result = result;
    leaf.settledMs = this.#plan.runtime.clock.now();
    this.#open.delete(leaf);
    this.#ready.push(this.#outcomeOf(leaf, 'late'));
    this.#serve();
  }

  #outcomeOf(leaf: Leaf<T, V>, statusOfOpen: LeafStatus): Outcome<T, V> {
    return Object.freeze(outcomeOf(leaf, statusOfOpen, this.#plan.runtime.clock.now()));
  }

  /** The deadline has come: what is open is late, what was not asked is skipped. */
  #onTimeOver(): void {
    if (this.#over) return;
    for (const leaf of this.#leaves)
      if (leaf.race === undefined || this.#open.has(leaf)) this.#ready.push(this.#outcomeOf(leaf, 'late'));
    this.#end(deadlineExceeded(what));
    this.#serve();
  }

  #abort(reason: unknown): void {
    this.#failure = { reason };
    this.#drop(reason);
    this.#serve();
  }

  /** Ends without giving anything more: answers that nobody has taken go to `discard`. */
  #drop(reason: unknown): void {
    const untaken = this.#ready.splice(0);
    this.#end(reason);
    for (const { status, value } of untaken) if (status === 'ok') discardWith(this.#plan.policy.discard, value as V);
  }

  #end(reason: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#scope?.close();
    for (const leaf of this.#open) leaf.race?.end(reason);
  }
}
