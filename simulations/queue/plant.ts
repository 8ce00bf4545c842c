import type { Clock, Timer } from 'holdfast/core';

/** Does the work of a job, and calls `done` when it is over. */
export type Machine = (serviceMs: number, done: () => void) => void;

/** A rule of when a pool grows and shrinks, as the plant tells it what happens. */
export interface Rule {
  /** Jobs have come; `stuck` wait now, because no worker is idle. */
  readonly onEnqueue?: (stuck: number) => void;
  readonly onStart?: (atMs: number) => void;
  readonly onSettle?: (startedMs: number, endedMs: number) => void;
  /** A worker has nothing to do from now on. */
  readonly onIdle?: (worker: Worker) => void;
  /** The run is over. */
  readonly close?: () => void;
}

/** Makes a rule for a plant: sets its timers, and the first number of workers where that is not the fewest. */
export type MakeRule = (plant: Plant) => Rule;

export interface Worker {
  /** Since when it has nothing to do; undefined while it has, and while it starts. */
  idleMs: number | undefined;
}

export interface PlantOptions {
  readonly clock: Clock;
  readonly min: number;
  readonly max: number;
  /** How long a worker takes to start. */
  readonly coldMs: number;
  readonly machine: Machine;
}

/**
 * A pool of workers and the queue before it: first come, first served, one job a worker. Workers that are starting cost as
 * much as others. One that is to go goes when it is idle, the longest idle first.
 */
export class Plant {
  readonly clock: Clock;
  readonly min: number;
  readonly max: number;
  readonly coldMs: number;
  readonly #machine: Machine;
  readonly #rule: Rule;
  /** The one that became idle last is at the end, and works first. */
  readonly #idle: Worker[] = [];
  readonly #starting = new Set<Timer>();
  #target: number;
  #total: number;
  #busy = 0;
  /** Jobs from `#next` to `#arrived` wait. */
  #next = 0;
  #arrived = 0;
  readonly #service: Float64Array;
  readonly #atMs: Float64Array;
  /** Job → how long it has waited. */
  readonly waitMs: Float64Array;
  /** Job → when it was done. */
  readonly doneMs: Float64Array;
  done = 0;
  spawns = 0;
  flips = 0;
  peak = 0;
  #direction = 0;
  #paidMs = 0;
  #sinceMs = 0;

  constructor(
    jobs: { readonly atMs: Float64Array; readonly serviceMs: Float64Array },
    make: MakeRule,
    options: PlantOptions,
  ) {
    ({ clock: this.clock, min: this.min, max: this.max, coldMs: this.coldMs, machine: this.#machine } = options);
    this.#atMs = jobs.atMs;
    this.#service = jobs.serviceMs;
    this.waitMs = new Float64Array(jobs.atMs.length);
    this.doneMs = new Float64Array(jobs.atMs.length);
    this.#target = this.#total = this.peak = this.min;
    for (let i = 0; i < this.min; i++) this.#idle.push({ idleMs: 0 });
    this.#rule = make(this);
    this.#arriveNext();
  }

  get queued(): number {
    return this.#arrived - this.#next;
  }

  get busy(): number {
    return this.#busy;
  }

  /** How many workers there are, those that start among them. */
  get total(): number {
    return this.#total;
  }

  /** What the workers have cost until now, in worker milliseconds. */
  get paidMs(): number {
    return this.#paidMs + this.#total * (this.clock.now() - this.#sinceMs);
  }

  /** From now on there should be so many workers. */
  resize(workers: number): void {
    this.#target = Math.max(this.min, Math.min(workers, this.max));
    while (this.#total < this.#target) this.#start();
    while (this.#total > this.#target && this.#idle.length > 0) {
      this.#idle.shift();
      this.#changed(-1);
    }
    for (const timer of this.#starting) {
      if (this.#total <= this.#target) break;
      timer.cancel();
      this.#starting.delete(timer);
      this.#changed(-1);
    }
  }

  /** A worker that is idle goes. */
  retire(worker: Worker): void {
    this.#idle.splice(this.#idle.indexOf(worker), 1);
    this.#target = Math.max(this.min, this.#total - 1);
    this.#changed(-1);
  }

  close(): void {
    this.#rule.close?.();
    for (const timer of this.#starting) timer.cancel();
  }

  #arriveNext(): void {
    const atMs = this.#atMs[this.#arrived];
    if (atMs === undefined) return;
    this.clock.setTimer(atMs - this.clock.now(), () => {
      // Jobs of one moment come one by one, as they would be added.
      while (this.#atMs[this.#arrived] === atMs) {
        this.#arrived++;
        if (this.#idle.length > 0) {
          this.#rule.onEnqueue?.(0);
          this.#work(this.#idle.pop()!);
        } else this.#rule.onEnqueue?.(this.queued);
      }
      this.#arriveNext();
    });
  }

  #work(worker: Worker): void {
    const job = this.#next++;
    const startedMs = this.clock.now();
    worker.idleMs = undefined;
    this.#busy++;
    this.waitMs[job] = startedMs - this.#atMs[job]!;
    this.#rule.onStart?.(startedMs);
    this.#machine(this.#service[job]!, () => {
      const endedMs = this.clock.now();
      this.#busy--;
      this.done++;
      this.doneMs[job] = endedMs;
      this.#rule.onSettle?.(startedMs, endedMs);
      this.#free(worker);
    });
  }

  #free(worker: Worker): void {
    if (this.#total > this.#target) this.#changed(-1);
    else if (this.queued > 0) this.#work(worker);
    else {
      worker.idleMs = this.clock.now();
      this.#idle.push(worker);
      this.#rule.onIdle?.(worker);
    }
  }

  #start(): void {
    this.spawns++;
    this.#changed(1);
    const timer = this.clock.setTimer(this.coldMs, () => {
      this.#starting.delete(timer);
      this.#free({ idleMs: undefined });
    });
    this.#starting.add(timer);
  }

  #changed(by: 1 | -1): void {
    this.#paidMs = this.paidMs;
    this.#sinceMs = this.clock.now();
    this.#total += by;
    this.peak = Math.max(this.peak, this.#total);
    if (this.#direction === -by) this.flips++;
    this.#direction = by;
  }
}
