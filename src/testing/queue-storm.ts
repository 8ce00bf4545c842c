import { systemClock } from '../core/clock.ts';
import type { LeasedJob } from '../queue/index.ts';
import { ensure, ensureSame } from './ensure.ts';
import { buried, done, jobsOf, type QueueLaw, type QueueTrial, released, retried, wide } from './queue-trial.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';
import type { QueueStore } from '../queue/index.ts';

const contested = Array.from({ length: 20 }, (_, i) => `contested ${String(i)}`);

/** @internal Many instances at once. */
export const stormLaws: Readonly<Record<string, QueueLaw>> = {
  async 'ends each job once, in a storm of instances'(trial) {
    const { handles, jobs, seed } = trial.setting;
    const first = await trial.open();
    const stores = [first.store];
    while (stores.length < handles) stores.push(first.caps.shared ? (await trial.open()).store : first.store);
    const storm = new Storm(trial);
    await Promise.all(
      stores.map((store, i) =>
        storm.put(
          store,
          Array.from({ length: jobs }, (_, n) => `${String(i)}-${String(n)}`),
        ),
      ),
    );
    for (const id of contested) {
      const times = storm.accepted.filter((one) => one === id).length;
      ensure(times === 1, 'how often one id was accepted that all have put at once', times);
    }
    await Promise.all(stores.map((store, i) => storm.work(store, seededRandom(seed).stream(`lane ${String(i)}`))));
    ensureSame([...storm.ended].sort(), [...storm.accepted].sort(), 'what has ended, and what was accepted');
    const { waiting, delayed, leased, dead } = await first.store.counts();
    ensureSame([waiting, delayed, leased, dead], [0, 0, 0, 0], 'counts when all have ended');
  },
};

/** What all together have put and ended. */
class Storm {
  readonly accepted: string[] = [];
  readonly ended: string[] = [];
  readonly #leaseMs: number;
  readonly #held = new Set<string>();

  constructor(trial: QueueTrial) {
    // Nobody's lease ends in the storm, however long it lasts.
    this.#leaseMs = Math.max(600_000, trial.setting.leaseMs);
  }

  async put(store: QueueStore<unknown>, own: readonly string[]): Promise<void> {
    const [mine, shared] = await Promise.all([store.put(jobsOf(...own), wide), store.put(jobsOf(...contested), wide)]);
    ensure(
      mine.every(({ status }) => status === 'added'),
      'a new job is not accepted',
    );
    for (const { id, status } of [...mine, ...shared]) if (status === 'added') this.accepted.push(id);
  }

  async work(store: QueueStore<unknown>, random: SeededRandom): Promise<void> {
    for (let empty = 0; this.ended.length < this.accepted.length;) {
      if (random() < 0.1) await this.#cancel(store, random);
      const jobs = await store.pull(1 + Math.floor(random() * 4), Math.min(this.#leaseMs, store.caps.maxLeaseMs));
      for (const { id } of jobs) {
        ensure(!this.#held.has(id), 'two hold one job', id);
        this.#held.add(id);
      }
      await Promise.all(jobs.map((job) => this.#end(store, job, random)));
      if (random() < 0.05) await store.dead.redrive();
      empty = jobs.length === 0 ? empty + 1 : 0;
      ensure(empty < 2_000, 'a job is not pulled any more; ended, accepted', this.ended.length, this.accepted.length);
      if (empty > 0) {
        await store.dead.redrive();
        await systemClock.sleep(2);
      }
    }
  }

  async #end(store: QueueStore<unknown>, job: LeasedJob<unknown>, random: SeededRandom): Promise<void> {
    const draw = random();
    if (draw < 0.2)
      ensure((await store.extend([job], this.#leaseMs))[0] === true, 'who holds a job cannot extend', job.id);
    const outcome = draw < 0.6 ? done(job) : draw < 0.75 ? retried(job) : draw < 0.9 ? released(job) : buried(job);
    // Another may have it before the answer is here.
    this.#held.delete(job.id);
    const stale = done({ id: job.id, fence: job.fence - 1n });
    const held = await store.settle([stale, outcome, outcome]);
    ensureSame(held, [false, true, false], 'who may settle: a stale one, the holder, and the holder again');
    if (outcome.kind === 'done') this.ended.push(job.id);
  }

  async #cancel(store: QueueStore<unknown>, random: SeededRandom): Promise<void> {
    const id = this.accepted[Math.floor(random() * this.accepted.length)]!;
    if ((await store.cancel([id]))[0] === true) this.ended.push(id);
  }
}
