import { Ring } from './ring.ts';

/** What stands in a lane: told by its state whether it still waits. */
interface Standing {
  readonly state: string;
}

/**
 * @internal The jobs of one key and one priority that wait, first in, first out. It stands in the line of its priority
 * like a single job, so that keys take turns, however many jobs each has.
 */
export class Lane<J extends Standing> {
  readonly key: KeyTurns<J>;
  readonly priority: number;
  readonly jobs = new Ring<J>();
  /** How many of them are not tombstones. */
  size = 0;
  /** Whether it stands in the line. */
  queued = false;
  /** Since when it stands there. */
  sinceMs = 0;

  constructor(key: KeyTurns<J>, priority: number) {
    this.key = key;
    this.priority = priority;
  }

  /** The next that still waits. */
  shift(): J | undefined {
    for (let job = this.jobs.shift(); job !== undefined; job = this.jobs.shift()) {
      if (job.state === 'waiting') return job;
    }
    return undefined;
  }

  /** The youngest that still waits; it stays. */
  get last(): J | undefined {
    for (let job = this.jobs.last; job !== undefined; job = this.jobs.last) {
      if (job.state === 'waiting') return job;
      this.jobs.pop();
    }
    return undefined;
  }
}

/** @internal Whose turn it is among the jobs of a key: at most so many are leased, or wait to be tried again in order. */
export class KeyTurns<J extends Standing> {
  readonly name: string;
  readonly limit: number;
  readonly lanes = new Map<number, Lane<J>>();
  /** How many live. */
  jobs = 0;
  /** How many are leased, or wait to be tried again before all others. */
  active = 0;
  /** How many wait in the lanes. */
  waiting = 0;

  constructor(name: string, limit: number) {
    this.name = name;
    this.limit = limit;
  }

  get isFree(): boolean {
    return this.active < this.limit;
  }

  /** How many of those that wait could not start, however many workers there were. */
  get blocked(): number {
    return Math.max(0, this.waiting - Math.max(0, this.limit - this.active));
  }

  laneOf(priority: number): Lane<J> {
    let lane = this.lanes.get(priority);
    if (lane === undefined) this.lanes.set(priority, (lane = new Lane(this, priority)));
    return lane;
  }
}
