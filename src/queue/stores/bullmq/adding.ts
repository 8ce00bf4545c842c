import { HoldfastError } from '../../../core/errors.ts';
import { check, number } from '../../../core/options.ts';
import type { Runtime } from '../../../core/runtime.ts';
import type { NewJob, PutResult, Room } from '../../queue-store.ts';
import type { BullBackend, BullQueue } from './client.ts';
import { bullDedupeId, bullId, checkId, ownId } from './names.ts';
import { bulkJob, deadJob, priorities, recordOf } from './record.ts';

const priorityRule = number({ ...priorities, integer: true });

/**
 * @internal Adds jobs, and finds out what became of them, which BullMQ does not say: it answers with the id, also of a job that
 * was there before. So each put marks its jobs, and looks afterwards whose mark the job has.
 *
 * One put of a process after the other, so that room is kept to.
 */
export class Adding<D> {
  readonly #queue: BullQueue;
  readonly #backend: () => BullBackend;
  readonly #runtime: Runtime;
  #last: Promise<unknown> = Promise.resolve();

  constructor(queue: BullQueue, backend: () => BullBackend, runtime: Runtime) {
    this.#queue = queue;
    this.#backend = backend;
    this.#runtime = runtime;
  }

  async put(jobs: readonly NewJob<D>[], room: Room): Promise<readonly PutResult[]> {
    if (room.overflow !== 'reject') throw unsupported(`overflow '${room.overflow}'`);
    for (const job of jobs) checkJob(job);
    if (jobs.length === 0) return [];
    const turn = this.#last.then(() => this.#put(jobs, room));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #put(jobs: readonly NewJob<D>[], { max }: Room): Promise<readonly PutResult[]> {
    const backend = this.#backend();
    const [known, twins, [plain = 0, prioritized = 0, delayed = 0]] = await Promise.all([
      Promise.all(jobs.map(({ id }) => this.#isKnown(bullId(id)))),
      Promise.all(jobs.map((job) => this.#twinOf(job))),
      backend.getCounts(['wait', 'prioritized', 'delayed']),
    ]);
    let free = max - plain - prioritized - delayed;
    const results: PutResult[] = [];
    const chosen: number[] = [];
    const ids = new Set<string>();
    const dedupes = new Map<string, string>();
    for (const [i, { id, dedupe }] of jobs.entries()) {
      const isKnown = known[i] === true || ids.has(id);
      const twin = isKnown ? id : (twins[i] ?? (dedupe && dedupes.get(dedupe.id)));
      if (twin === undefined && free-- > 0) {
        chosen.push(i);
        ids.add(id);
        if (dedupe !== undefined) dedupes.set(dedupe.id, id);
      }
      results.push(twin === undefined ? { status: 'full', id } : { status: 'duplicate', id: twin });
    }
    for (const [n, result] of (await this.#add(chosen.map((i) => jobs[i]!))).entries()) results[chosen[n]!] = result;
    return Promise.all(results.map((result) => this.#withDeath(result)));
  }

  /** A duplicate of one that was given up says so. */
  async #withDeath(result: PutResult): Promise<PutResult> {
    if (result.status !== 'duplicate') return result;
    const id = bullId(result.id);
    if ((await this.#backend().getState(id)) !== 'failed') return result;
    const json = await this.#backend().getJobData(id);
    return json === undefined ? result : { ...result, dead: deadJob(id, json).error };
  }

  async #add(jobs: readonly NewJob<D>[]): Promise<readonly PutResult[]> {
    if (jobs.length === 0) return [];
    const { clock, random } = this.#runtime;
    const mark = random().toString(36).slice(2);
    const wallMs = clock.wallNow();
    const added = await this.#queue.addBulk(jobs.map((job) => bulkJob(job, mark, wallMs)));
    return Promise.all(
      jobs.map(async ({ id }, i): Promise<PutResult> => {
        const lives = added[i]!.id!;
        if (lives !== bullId(id)) return { status: 'duplicate', id: ownId(lives) };
        const json = await this.#backend().getJobData(lives);
        // Gone: it was not there before, so somebody is done with it already.
        const isOurs = json === undefined || recordOf({ ...json, data: JSON.parse(json.data) }).mark === mark;
        return { status: isOurs ? 'added' : 'duplicate', id };
      }),
    );
  }

  /** Which one stands for the same already. */
  async #twinOf({ dedupe }: NewJob<D>): Promise<string | undefined> {
    if (dedupe === undefined) return undefined;
    const twin = await this.#backend().getDeduplicationJobId(bullDedupeId(dedupe.id));
    // What stands for a job that was wiped out stands for nothing.
    return typeof twin === 'string' && (await this.#isKnown(twin)) ? ownId(twin) : undefined;
  }

  async #isKnown(jobId: string): Promise<boolean> {
    return (await this.#backend().getState(jobId)) !== 'unknown';
  }
}

function checkJob<D>({ id, key, priority, dedupe }: NewJob<D>): void {
  checkId(id);
  if (key !== undefined) throw unsupported('keys, which are of BullMQ Pro');
  if (priority !== undefined) check('priority', priority, priorityRule);
  if (dedupe !== undefined && dedupe.mode !== 'reject') throw unsupported(`dedupe '${dedupe.mode}'`);
}

function unsupported(what: string): HoldfastError {
  return new HoldfastError('UNSUPPORTED', `BullMQQueueStore cannot do ${what}`);
}
