/*
 * What the elastic law is told of the work. No clock: whoever counts says when.
 */

/** The weight of the newest value never falls below this: about the last fifty count. */
const leastWeight = 0.02;

/** @internal The mean of what was added, and of its square: of all at first, of about the last fifty later. */
export class RecentMean {
  #count = 0;
  #mean = 0;
  #square = 0;

  /** Undefined before the first value. */
  get value(): number | undefined {
    return this.#count === 0 ? undefined : this.#mean;
  }

  /** The mean square, as a multiple of the square of the mean: 1 when all are alike, 2 when they are exponential. */
  get spread(): number {
    return this.#mean > 0 ? Math.max(1, this.#square / this.#mean ** 2) : 1;
  }

  add(value: number): void {
    this.#count++;
    const weight = Math.max(1 / this.#count, leastWeight);
    this.#mean += (value - this.#mean) * weight;
    this.#square += (value * value - this.#square) * weight;
  }
}

/** Arrivals are averaged over a short time, to see a rise, and over a longer one, not to forget it at once. */
const shortMs = 1_000;
const longMs = 10_000;

/** What one type of job does. */
class TypeOfWork {
  /** Arrivals since the last fold. */
  arrivals = 0;
  running = 0;
  /** The sum of the moments at which the running ones started. */
  startedMs = 0;
  readonly served: RecentMean = new RecentMean();
  #short = 0;
  #long = 0;

  /** A millisecond. */
  get rate(): number {
    return Math.max(this.#short, this.#long);
  }

  fold(short: Fold, long: Fold): void {
    this.#short = this.#short * short.keeps + this.arrivals * short.adds;
    this.#long = this.#long * long.keeps + this.arrivals * long.adds;
    this.arrivals = 0;
  }

  /**
   * How long a job takes. Those that run are not done yet. On average they are as old as half the mean of the done ones, times
   * their spread (renewal theory: long jobs are met more often). Where they are more than twice as old, the mean is of other
   * jobs than those that run, and their age says more; where none is done, it is all that is known.
   */
  serviceMs(nowMs: number): number | undefined {
    const { value: done, spread } = this.served;
    if (this.running === 0) return done;
    const ageMs = Math.max(0, nowMs - this.startedMs / this.running);
    if (done === undefined) return ageMs > 0 ? ageMs / 2 : undefined;
    return Math.max(done, ageMs / spread);
  }
}

/** How an average over `tauMs` takes up what has come within `spanMs`, in equal measure. */
interface Fold {
  readonly keeps: number;
  readonly adds: number;
}

function foldOf(spanMs: number, tauMs: number): Fold {
  const lost = -Math.expm1(-spanMs / tauMs);
  return { keeps: 1 - lost, adds: spanMs > 0 ? lost / spanMs : 1 / tauMs };
}

/** @internal So many names of types are told apart; all others count as one more. */
export const mostTypes = 16;

/** Types of which nothing arrives count as equals. */
const leastRate = 2 ** -1_000;

/**
 * @internal How much work arrives and how long it takes, for each type of job.
 *
 * Complexity: O(1) for an arrival, a start, an end; O(types) for the rest, of which there are at most 18.
 */
export class Workload {
  /** Jobs that name no type. */
  readonly #unnamed = new TypeOfWork();
  readonly #others = new TypeOfWork();
  readonly #types = new Map<string | undefined, TypeOfWork>([[undefined, this.#unnamed]]);
  readonly #all: TypeOfWork[] = [this.#unnamed, this.#others];
  /** The one asked for last, for jobs of a type come together. */
  #lastName: string | undefined = undefined;
  #last: TypeOfWork = this.#unnamed;
  #foldedMs: number;
  #settled = 0;

  constructor(nowMs: number) {
    this.#foldedMs = nowMs;
  }

  /** How many have ended. */
  get settled(): number {
    return this.#settled;
  }

  /** Jobs have become ready to run. */
  arrived(type: string | undefined, count: number): void {
    this.#of(type).arrivals += count;
  }

  started(type: string | undefined, atMs: number): void {
    const work = this.#of(type);
    work.running++;
    work.startedMs += atMs;
  }

  /** One that has started at `startedMs` has ended. */
  ended(type: string | undefined, startedMs: number, endedMs: number): void {
    const work = this.#of(type);
    this.#settled++;
    // From nothing again each time that none is running, so that no error of rounding stays.
    work.startedMs = --work.running === 0 ? 0 : work.startedMs - startedMs;
    work.served.add(Math.max(0, endedMs - startedMs));
  }

  /** Takes up what has arrived since the last time. */
  fold(nowMs: number): void {
    const spanMs = Math.max(0, nowMs - this.#foldedMs);
    const short = foldOf(spanMs, shortMs);
    const long = foldOf(spanMs, longMs);
    for (const work of this.#all) work.fold(short, long);
    this.#foldedMs = Math.max(nowMs, this.#foldedMs);
  }

  /** Arrivals a second, as of the last fold. */
  get perSecond(): number {
    return this.#all.reduce((sum, { rate }) => sum + rate, 0) * 1_000;
  }

  /** The offered load: a type of which nothing is known yet takes as long as the others. */
  load(nowMs: number): number {
    const usualMs = this.serviceMs(nowMs) ?? 0;
    return this.#all.reduce((sum, work) => sum + work.rate * (work.serviceMs(nowMs) ?? usualMs), 0);
  }

  /** How long a job takes, in the mix that arrives; undefined while nothing is known of any. */
  serviceMs(nowMs: number): number | undefined {
    let [total, weights] = [0, 0];
    for (const work of this.#all) {
      const ms = work.serviceMs(nowMs);
      if (ms === undefined) continue;
      const weight = work.rate + leastRate;
      total += weight * ms;
      weights += weight;
    }
    return weights === 0 ? undefined : total / weights;
  }

  #of(type: string | undefined): TypeOfWork {
    return type === this.#lastName ? this.#last : this.#find(type);
  }

  #find(type: string | undefined): TypeOfWork {
    let work = this.#types.get(type);
    if (work === undefined) {
      if (this.#types.size > mostTypes) return this.#others; // the jobs without a name have an entry too
      work = new TypeOfWork();
      this.#types.set(type, work);
      this.#all.push(work);
    }
    this.#lastName = type;
    this.#last = work;
    return work;
  }
}
