import type { BacklogRules, Ending } from '../../src/queue/backlog/backlog.ts';
import type { DedupeMode, Room } from '../../src/queue/queue-store.ts';

/** A job as the model sees it. */
export interface ModelJob {
  readonly n: number;
  id: string | undefined;
  readonly key: string | undefined;
  readonly priority: number;
  readonly dedupe: { readonly id: string; readonly mode: DedupeMode } | undefined;
  data: number;
  state: 'new' | 'waiting' | 'delayed' | 'leased' | 'done' | 'dead' | 'cancelled' | 'replaced';
  /** Ready since; while delayed, until when. */
  sinceMs: number;
  attempt: number;
  crashes: number;
  holdsKey: boolean;
  /** It counts for its key: leased, or waiting for its next attempt before all others. */
  active: boolean;
  leaseEndsMs: number;
  rerun: { readonly data: number; readonly delayMs: number } | undefined;
  /** Was leased or dead before: then its arrival says nothing about its turn to be dropped. */
  cameBack: boolean;
}

interface Lane {
  readonly key: string;
  readonly priority: number;
  readonly jobs: ModelJob[];
  sinceMs: number;
}

type Entry = ModelJob | Lane;

const isLane = (entry: Entry): entry is Lane => 'jobs' in entry;

/** The backlog as arrays that are searched from end to end. */
export class BacklogModel {
  readonly rules: BacklogRules;
  readonly all: ModelJob[] = [];
  readonly dead: ModelJob[] = [];
  /** What is ready, in the order in which it came; a lane stands here only while its key has a place free. */
  line: Entry[] = [];
  lanes: Lane[] = [];
  delayed: ModelJob[] = [];

  constructor(rules: BacklogRules) {
    this.rules = rules;
  }

  in(...states: ModelJob['state'][]): ModelJob[] {
    return this.all.filter(({ state }) => states.includes(state));
  }

  get queued(): ModelJob[] {
    return this.in('waiting', 'delayed');
  }

  active(key: string): number {
    return this.all.filter((job) => job.key === key && job.active).length;
  }

  /** How many could be taken one after the other now, were none settled. */
  get runnable(): number {
    const free = this.line.filter((entry) => !isLane(entry)).length;
    return [...new Set(this.lanes.map(({ key }) => key))].reduce((sum, key) => {
      const waiting = this.lanes.filter((lane) => lane.key === key).reduce((n, { jobs }) => n + jobs.length, 0);
      return sum + Math.min(waiting, Math.max(0, this.rules.keyLimit - this.active(key)));
    }, free);
  }

  get nextMs(): number {
    return Math.min(
      Infinity,
      ...this.delayed.map(({ sinceMs }) => sinceMs),
      ...this.in('leased').map(({ leaseEndsMs }) => leaseEndsMs),
    );
  }

  advance(nowMs: number): void {
    for (const job of this.delayed.filter(({ sinceMs }) => sinceMs <= nowMs).sort(soonest)) this.#ready(job, nowMs);
    this.delayed = this.delayed.filter(({ state }) => state === 'delayed');
    const over = this.in('leased').filter(({ leaseEndsMs }) => leaseEndsMs <= nowMs);
    for (const job of over.sort((a, b) => a.leaseEndsMs - b.leaseEndsMs)) {
      this.settle(job, { kind: 'retry', delayMs: 0, error: '', crashed: true }, nowMs);
    }
  }

  /** What an offer comes to, short of the choice of who is dropped: `room` says that somebody must be. */
  twin(
    job: ModelJob,
    delayMs: number,
    nowMs: number,
  ): { readonly twin: ModelJob; readonly replaced: boolean } | undefined {
    const known =
      job.id === undefined ? undefined : this.all.find((one) => one.id === job.id && isKept(one, this.dead));
    if (known !== undefined) return { twin: known, replaced: false };
    if (job.dedupe === undefined) return undefined;
    const twin = this.#dedupes.get(job.dedupe.id);
    if (twin === undefined) return undefined;
    if (job.dedupe.mode === 'reject') return { twin, replaced: false };
    if (twin.state === 'leased') {
      if (job.dedupe.mode === 'replace') return undefined;
      twin.rerun = { data: job.data, delayMs };
      return { twin, replaced: false };
    }
    this.#withdraw(twin, nowMs);
    this.#end(twin, 'replaced');
    job.id = twin.id;
    this.add(job, delayMs, nowMs);
    return { twin: job, replaced: true };
  }

  readonly #dedupes = new Map<string, ModelJob>();

  add(job: ModelJob, delayMs: number, nowMs: number): void {
    this.all.push(job);
    if (job.dedupe !== undefined) this.#dedupes.set(job.dedupe.id, job);
    this.#enter(job, delayMs, nowMs);
  }

  /** Who may be dropped for a job. */
  victims(job: ModelJob, { overflow }: Room): readonly ModelJob[] {
    if (overflow === 'reject') return [];
    if (overflow === 'dropLowest') {
      const lowest = Math.min(...this.line.map(({ priority }) => priority));
      const last = this.line.findLast(({ priority }) => priority === lowest);
      if (last === undefined || lowest >= job.priority) return [];
      return [isLane(last) ? last.jobs.at(-1)! : last];
    }
    const { queued } = this;
    const oldest = queued.filter(({ cameBack }) => !cameBack).sort((a, b) => a.n - b.n)[0];
    return queued.filter((one) => one.cameBack || one === oldest);
  }

  take(nowMs: number, leaseMs: number): ModelJob | undefined {
    this.advance(nowMs);
    while (this.line.length > 0) {
      const entry = this.line.reduce((best, one) => (this.#rank(one) < this.#rank(best) ? one : best));
      this.line = this.line.filter((one) => one !== entry);
      const job = isLane(entry) ? this.#takeOf(entry, nowMs) : entry;
      if (job === undefined) continue;
      job.state = 'leased';
      job.cameBack = true;
      job.attempt++;
      job.active = job.key !== undefined;
      job.holdsKey = false;
      job.leaseEndsMs = nowMs + leaseMs;
      return job;
    }
    return undefined;
  }

  #takeOf(lane: Lane, nowMs: number): ModelJob | undefined {
    if (this.active(lane.key) >= this.rules.keyLimit) return undefined;
    const job = lane.jobs.shift()!;
    job.active = true;
    this.#queue(lane, nowMs);
    return job;
  }

  #queue(lane: Lane, nowMs: number): void {
    if (this.line.includes(lane) || lane.jobs.length === 0 || this.active(lane.key) >= this.rules.keyLimit) return;
    lane.sinceMs = nowMs;
    this.line.push(lane);
  }

  #rank({ sinceMs, priority }: Entry): number {
    const { agingMs } = this.rules;
    return agingMs === undefined ? -priority : sinceMs - priority * agingMs;
  }

  settle(job: ModelJob, ending: Ending, nowMs: number): void {
    const again = ending.kind === 'retry' || ending.kind === 'release';
    if (ending.kind === 'release') job.attempt--;
    else if ((ending.kind === 'retry' || ending.kind === 'dead') && ending.crashed === true) {
      if (again || job.rerun === undefined) job.crashes++;
    }
    job.leaseEndsMs = Infinity;
    if (again) {
      if (job.rerun !== undefined) job.data = job.rerun.data;
      job.rerun = undefined;
      if (job.key !== undefined && this.rules.keyOrder === 'strict') job.holdsKey = true;
      else this.#free(job, nowMs);
      this.#enter(job, ending.delayMs, nowMs);
      return;
    }
    this.#free(job, nowMs);
    if (job.rerun !== undefined && ending.kind !== 'cancelled') {
      const { data, delayMs } = job.rerun;
      job.data = data;
      job.rerun = undefined;
      job.attempt = job.crashes = 0;
      this.#enter(job, delayMs, nowMs);
    } else this.#end(job, ending.kind);
  }

  #free(job: ModelJob, nowMs: number): void {
    if (!job.active) return;
    job.active = false;
    for (const lane of this.lanes.filter(({ key }) => key === job.key)) this.#queue(lane, nowMs);
  }

  cancel(job: ModelJob, nowMs: number): boolean {
    if (!this.queued.includes(job)) return false;
    this.#withdraw(job, nowMs);
    this.#end(job, 'cancelled');
    return true;
  }

  expire(job: ModelJob, nowMs: number): boolean {
    if (!this.queued.includes(job)) return false;
    this.#withdraw(job, nowMs);
    this.#end(job, 'dead');
    return true;
  }

  redrive(job: ModelJob, nowMs: number): void {
    this.dead.splice(this.dead.indexOf(job), 1);
    job.attempt = job.crashes = 0;
    job.cameBack = true;
    if (job.dedupe !== undefined) this.#dedupes.set(job.dedupe.id, job);
    this.#enter(job, 0, nowMs);
  }

  #enter(job: ModelJob, delayMs: number, nowMs: number): void {
    if (delayMs > 0) {
      job.state = 'delayed';
      job.sinceMs = nowMs + delayMs;
      this.delayed.push(job);
    } else this.#ready(job, nowMs);
  }

  #ready(job: ModelJob, nowMs: number): void {
    job.state = 'waiting';
    job.sinceMs = nowMs;
    if (job.key === undefined || job.holdsKey) {
      this.line.push(job);
      return;
    }
    let lane = this.lanes.find(({ key, priority }) => key === job.key && priority === job.priority);
    if (lane === undefined) this.lanes.push((lane = { key: job.key, priority: job.priority, jobs: [], sinceMs: 0 }));
    lane.jobs.push(job);
    this.#queue(lane, nowMs);
  }

  #withdraw(job: ModelJob, nowMs: number): void {
    this.delayed = this.delayed.filter((one) => one !== job);
    this.line = this.line.filter((one) => one !== job);
    for (const lane of this.lanes) if (lane.jobs.includes(job)) lane.jobs.splice(lane.jobs.indexOf(job), 1);
    // One that has nobody left has lost its turn.
    this.lanes = this.lanes.filter(({ jobs }) => jobs.length > 0);
    this.line = this.line.filter((entry) => !isLane(entry) || entry.jobs.length > 0);
    job.holdsKey = false;
    this.#free(job, nowMs);
  }

  #end(job: ModelJob, state: 'done' | 'dead' | 'cancelled' | 'replaced'): void {
    job.state = state;
    if (job.dedupe !== undefined && this.#dedupes.get(job.dedupe.id) === job) this.#dedupes.delete(job.dedupe.id);
    if (state !== 'dead') return;
    this.dead.push(job);
    if (this.dead.length > this.rules.maxDead) this.dead.shift();
  }
}

function soonest(a: ModelJob, b: ModelJob): number {
  return a.sinceMs - b.sinceMs || a.n - b.n;
}

/** Whether its id is taken. */
function isKept(job: ModelJob, dead: readonly ModelJob[]): boolean {
  return ['waiting', 'delayed', 'leased'].includes(job.state) || dead.includes(job);
}
