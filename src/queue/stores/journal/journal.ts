/*
 * A backlog in memory and the log of what happens to it. Each call changes the backlog and appends to the log in one turn,
 * and then waits until that is as safe as it has to be before it answers.
 *
 * What a call waits for. `put`, `settle`, `cancel`, `redrive` and `purge` are promises: they wait for the sync, as far as
 * `fsync` has one. A lease is handed out as soon as the operating system has its entry, before the sync (but for `always`):
 *
 * - Nothing that was accepted can be lost by it. What keeps a job is the entry of its `put`; a lease that is forgotten leaves
 *   it where it was.
 * - The process that dies of a job, however it does, takes nothing along that was written: the attempt and the crash count.
 *   Only the fall of the whole machine can take leases along, those of its last milliseconds. They are then counted one too
 *   low; a job would have to bring down the machine within that time, each time, to escape.
 * - No fence is given twice even so: each opening begins above all that any earlier one can have given.
 */
import type { Clock } from '../../../core/clock.ts';
import { HoldfastError, isHoldfastError } from '../../../core/errors.ts';
import type { Random } from '../../../core/random.ts';
import { reportError } from '../../../core/report.ts';
import { SteadyTime } from '../../../core/steady-time.ts';
import { Backlog, type BacklogRules, type Ending } from '../../backlog/backlog.ts';
import { fateOf, type Job } from '../../backlog/job.ts';
import type {
  DeadJob,
  JobLease,
  JobOutcome,
  LeasedJob,
  NewJob,
  PutResult,
  Room,
  StoreCounts,
} from '../../queue-store.ts';
import type { Files } from './files.ts';
import type { Fsync } from './group-commit.ts';
import {
  byAge,
  changed,
  changedJob,
  type Moment,
  type RememberedJob,
  rememberedJob,
  restored,
  wholeJob,
} from './job-record.ts';
import { jsonOf } from './json.ts';
import { FolderLock } from './lock.ts';
import { JournalLog } from './log.ts';
import type { Processes } from './owner.ts';
import type { Damage } from './recovery.ts';

/** @internal How a journal is kept. */
export interface JournalSettings extends Omit<BacklogRules, 'idPrefix'> {
  readonly fsync: Fsync;
  readonly segmentBytes: number;
  readonly maxDataBytes: number;
  readonly salvage: boolean;
}

/** @internal What a journal needs of the world. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly processes: Processes;
}

/** @internal The methods of a `QueueStore`, see there. */
export class Journal<D> {
  readonly #folder: string;
  readonly #settings: JournalSettings;
  readonly #clock: Clock;
  readonly #files: Files;
  readonly #time: SteadyTime;
  readonly #lock: FolderLock;
  readonly #log: JournalLog;
  /** Data are kept as JSON: a handler that changes what it got changes nothing here. */
  readonly #backlog: Backlog<string>;
  readonly #wakes = new Set<() => void>();
  #remembered = new Map<string, RememberedJob>();
  #state: 'new' | 'opening' | 'open' | 'closed' = 'new';
  #originMs: number | undefined;
  #opening: Promise<Damage> | undefined;

  constructor(folder: string, settings: JournalSettings, { clock, random, files, processes }: Surroundings) {
    const { fsync, segmentBytes, salvage } = settings;
    this.#folder = folder;
    this.#settings = settings;
    this.#clock = clock;
    this.#files = files;
    this.#time = new SteadyTime(clock);
    this.#lock = new FolderLock(files, folder, processes, random);
    // How many dead are kept is seen to here, where it is written down.
    this.#backlog = new Backlog({ ...settings, maxDead: Infinity, idPrefix: 'j' });
    this.#log = new JournalLog({
      files,
      folder,
      fsync,
      clock,
      segmentBytes,
      salvage,
      replay: (entry) => {
        const known = this.#remembered.get(entry.key);
        if (entry.kind === 'forget') this.#remembered.delete(entry.key);
        else if (entry.kind === 'keep') this.#remembered.set(entry.key, rememberedJob(entry.key, entry.value));
        // A change of what lay in a file that is gone: the whole comes later.
        else if (known !== undefined) this.#remembered.set(entry.key, changed(known, entry.value));
      },
      stateOf: (id) => wholeJob(this.#backlog.find(id)!, this.#moment()),
    });
  }

  /** Resolves with what was wrong with the journal. */
  open(): Promise<Damage> {
    if (this.#state !== 'new') return Promise.reject(new HoldfastError('CLOSED', 'a journal opens once'));
    this.#state = 'opening';
    return (this.#opening = this.#open());
  }

  async #open(): Promise<Damage> {
    try {
      await this.#files.makeFolder(this.#folder);
      await this.#lock.take();
      const damage = await this.#log.open();
      this.#restore();
      await this.#log.rid();
      this.#report(damage);
      this.#state = 'open';
      return damage;
    } catch (error) {
      this.#state = 'closed';
      await this.#log.close();
      await this.#lock.release().catch(() => undefined); // what has gone wrong before says more
      throw isHoldfastError(error) ? error : this.#failed(error);
    }
  }

  async put(jobs: readonly NewJob<D>[], room: Room): Promise<readonly PutResult[]> {
    this.#check();
    const data = jobs.map((made) => jsonOf('data', made.data, this.#settings.maxDataBytes));
    const moment = this.#moment();
    const results = jobs.map((made, i) => this.#put(made, data[i]!, room, moment));
    this.#woken();
    await this.#log.synced();
    return results;
  }

  #put(made: NewJob<D>, data: string, room: Room, moment: Moment): PutResult {
    const { id, priority, key, delayMs = 0, dedupe, expiresInMs, settings } = made;
    const { nowMs } = moment;
    const expiresAtMs = expiresInMs === undefined ? undefined : nowMs + expiresInMs;
    const job = this.#backlog.job(data, priority, { id, keyName: key, dedupe, expiresAtMs, settings });
    job.fence = this.#log.fences;
    const { status, job: living = job, dropped } = this.#backlog.offer(job, delayMs, room, nowMs);
    const lives = this.#backlog.idOf(living);
    // A job of its own, one in the place of another, or one that is to run once more.
    if (status !== 'full' && (living === job || living.details!.rerun?.data === data))
      this.#log.keep(lives, wholeJob(living, moment));
    if (status === 'duplicate') return { status, id: lives, ...fateOf(living, nowMs) };
    if (dropped === undefined) return { status, id: lives };
    // After the one it gave way to: between the two, there is one too many rather than one too few.
    this.#log.forget(this.#backlog.idOf(dropped));
    return { status, id: lives, dropped: this.#backlog.idOf(dropped) };
  }

  async pull(max: number, leaseMs: number): Promise<readonly LeasedJob<D>[]> {
    this.#check();
    const moment = this.#moment();
    const { nowMs } = moment;
    const leased: LeasedJob<D>[] = [];
    while (leased.length < max) {
      const job = this.#backlog.take(nowMs, leaseMs);
      if (job === undefined) break;
      this.#log.fences = Math.max(this.#log.fences, job.fence);
      if ((job.details!.expiresAtMs ?? Infinity) <= nowMs) {
        this.#settle(job, { kind: 'dead', reason: 'expired', error: 'its deadline has passed' }, moment);
      } else {
        this.#log.note(this.#backlog.idOf(job), changedJob(job, moment));
        leased.push(this.#leased(job, nowMs));
      }
    }
    if (leased.length > 0) await (this.#settings.fsync === 'always' ? this.#log.synced() : this.#log.written());
    return leased;
  }

  #leased(job: Job<string>, nowMs: number): LeasedJob<D> {
    const { data, priority, attempt, crashes, fence } = job;
    const { id, keyName, expiresAtMs, settings } = job.details!;
    return {
      id: id!,
      fence: BigInt(fence),
      data: JSON.parse(data) as D,
      key: keyName,
      priority,
      attempt,
      crashes,
      expiresInMs: expiresAtMs === undefined ? undefined : expiresAtMs - nowMs,
      settings,
    };
  }

  async extend(leases: readonly JobLease[], leaseMs: number): Promise<readonly boolean[]> {
    this.#check();
    const { nowMs } = this.#moment();
    // No entry: a lease does not outlive the process.
    return leases.map(({ id, fence }) => {
      const job = this.#backlog.held(id, fence, nowMs);
      if (job !== undefined) this.#backlog.extend(job, nowMs + leaseMs);
      return job !== undefined;
    });
  }

  async settle(outcomes: readonly JobOutcome[]): Promise<readonly boolean[]> {
    this.#check();
    const moment = this.#moment();
    const held = outcomes.map((outcome) => {
      const job = this.#backlog.held(outcome.id, outcome.fence, moment.nowMs);
      if (job !== undefined) this.#settle(job, outcome, moment);
      return job !== undefined;
    });
    this.#woken();
    await this.#log.synced();
    return held;
  }

  #settle(job: Job<string>, ending: Ending, moment: Moment): void {
    const id = this.#backlog.idOf(job);
    this.#backlog.settle(job, ending, moment.nowMs);
    if (job.state === 'dead') job.sinceMs = moment.nowMs;
    if (this.#backlog.find(id) !== job) this.#log.forget(id);
    else this.#log.note(id, changedJob(job, moment));
    this.#forgetOldDead();
  }

  #forgetOldDead(): void {
    const { dead } = this.#backlog;
    for (const id of dead.keys()) {
      if (dead.size <= this.#settings.maxDead) return;
      this.#purge(id);
    }
  }

  async cancel(ids: readonly string[]): Promise<readonly boolean[]> {
    this.#check();
    const { nowMs } = this.#moment();
    const taken = ids.map((id) => {
      const job = this.#backlog.find(id);
      if (job === undefined || !this.#backlog.cancel(job, nowMs)) return false;
      this.#log.forget(id);
      return true;
    });
    this.#woken();
    await this.#log.synced();
    return taken;
  }

  async counts(): Promise<StoreCounts> {
    this.#check();
    return this.#backlog.counts(this.#time.now());
  }

  async *listDead(): AsyncGenerator<DeadJob<D>> {
    this.#check();
    for (const job of [...this.#backlog.dead.values()]) {
      const { id, reason, error } = job.details!;
      const { attempt: attempts, crashes } = job;
      yield { id: id!, data: JSON.parse(job.data) as D, reason: reason!, error: error!, attempts, crashes };
    }
  }

  async redrive(ids: readonly string[] = [...this.#backlog.dead.keys()]): Promise<number> {
    this.#check();
    const moment = this.#moment();
    const back = ids.filter((id) => {
      const job = this.#backlog.redrive(id, moment.nowMs);
      if (job !== undefined) this.#log.keep(id, wholeJob(job, moment));
      return job !== undefined;
    });
    this.#woken();
    await this.#log.synced();
    return back.length;
  }

  async purge(ids: readonly string[] = [...this.#backlog.dead.keys()]): Promise<number> {
    this.#check();
    const gone = ids.filter((id) => this.#purge(id));
    await this.#log.synced();
    return gone.length;
  }

  #purge(id: string): boolean {
    if (!this.#backlog.purge(id)) return false;
    this.#log.forget(id);
    return true;
  }

  wake(onWake: () => void): () => void {
    const own = (): void => {
      onWake();
    };
    this.#wakes.add(own);
    return () => {
      this.#wakes.delete(own);
    };
  }

  /** Writes what is not written yet, and gives the folder back. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    await this.#log.close();
    try {
      await this.#lock.release();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Takes in what the log remembers: who was leased then is ready again, and has crashed once more. */
  #restore(): void {
    const moment = this.#moment();
    const { fences } = this.#log;
    const jobs = [...this.#remembered.values()].map((remembered) => restored(remembered, fences, moment));
    for (const { job, past, delayMs, sinceMs } of jobs.sort(byAge)) this.#backlog.restore(job, past, delayMs, sinceMs);
    this.#remembered = new Map();
  }

  #woken(): void {
    for (const onWake of [...this.#wakes]) onWake();
  }

  #moment(): Moment {
    const [nowMs, wallMs] = [this.#time.now(), this.#clock.wallNow()];
    return { nowMs, wallMs, originMs: (this.#originMs ??= wallMs - nowMs) };
  }

  #report({ cut, skipped }: Damage): void {
    const [first] = skipped;
    const what =
      cut !== undefined
        ? `cut off: the end of ${cut.file} from byte ${String(cut.offset)} on`
        : first &&
          `passed over: ${String(skipped.length)} lines, the first in ${first.file} at byte ${String(first.offset)}`;
    if (what !== undefined) reportError(`the journal in ${this.#folder} was damaged`, new Error(what));
  }

  /** Nothing is said to be done that cannot be written any more. */
  #check(): void {
    if (this.#state !== 'open') throw new HoldfastError('CLOSED', 'the journal is not open');
    if (this.#log.failure !== undefined) throw this.#log.failure;
  }

  #failed(cause: unknown): HoldfastError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new HoldfastError('STORE_FAILED', `the journal in ${this.#folder} has failed: ${why}`, { cause });
  }
}
