import type { LeasedJob } from '../queue/index.ts';
import { ensure, ensureSame } from './ensure.ts';
import { buried, done, jobsOf, type QueueHandle, type QueueLaw, type QueueTrial, retried } from './queue-trial.ts';

/** Buries jobs one after the other, each in a millisecond of its own. */
async function buryAll(
  trial: QueueTrial,
  handle: QueueHandle,
  ...ids: readonly string[]
): Promise<LeasedJob<unknown>[]> {
  await handle.added(...jobsOf(...ids));
  const jobs = await handle.pull(ids.length);
  for (const job of jobs) {
    await handle.settled(buried(job, `error of ${job.id}`));
    await trial.pass(2);
  }
  return jobs;
}

/** @internal Those that were given up. */
export const deadLaws: Readonly<Record<string, QueueLaw>> = {
  async 'keeps the dead, the oldest first'(trial) {
    const [one, other] = await trial.pair();
    const fences = (await buryAll(trial, one, 'c', 'a', 'b')).map(({ fence }) => fence);
    ensureSame(await other.places(), [0, 0, 0, 3], 'counts when all are dead');
    const expected = ['c', 'a', 'b'].map((id) => {
      return { id, data: id, reason: 'failed', error: `error of ${id}`, attempts: 1, crashes: 0 };
    });
    const found = (await other.dead()).map(({ id, data, reason, error, attempts, crashes }) => {
      return { id, data, reason, error, attempts, crashes };
    });
    ensureSame(found, expected, 'the dead, and who was given up');
    await one.idle('a dead job is pulled');
    const again = await other.extend([{ id: 'a', fence: fences[1]! }], 60_000);
    ensureSame(again, [false], 'whether the lease of a dead job is extended');
  },

  async 'says why they are dead'(trial) {
    const handle = await trial.open();
    const reasons = ['failed', 'poison', 'discarded', 'expired'] as const;
    await handle.added(...jobsOf(...reasons));
    const jobs = await handle.pull(reasons.length);
    const error = 'failed: a reason of its own: yes';
    for (const { id, fence } of jobs) {
      await handle.settled({ id, fence, kind: 'dead', reason: id as (typeof reasons)[number], error });
    }
    const found = (await handle.dead()).map((job) => [job.id, job.reason, job.error]).sort();
    ensureSame(found, reasons.map((reason) => [reason, reason, error]).sort(), 'why they are dead, and what was said');
  },

  async 'puts the dead back, with all their attempts before them'(trial) {
    const [one, other] = await trial.pair();
    const { leaseMs } = trial.setting;
    await one.added(...jobsOf('lost'));
    await one.only(leaseMs);
    await trial.pass(leaseMs);
    const crashed = await trial.next(one, 'another lease of a job that was lost');
    await one.settled(retried(crashed, 0, true));
    const last = await one.only();
    ensureSame([last.attempt, last.crashes], [3, 2], 'attempt and crashes');
    await one.settled(buried(last));
    await buryAll(trial, one, 'a', 'b');
    ensure((await other.redrive(['lost', 'nobody', 'lost'])) === 1, 'one is put back, and not one is told');
    ensureSame(await one.places(), [1, 0, 0, 2], 'counts when one is back');
    const back = await one.only();
    ensureSame([back.id, back.data, back.attempt, back.crashes], ['lost', 'lost', 1, 0], 'who is back, as new');
    ensure(back.fence > last.fence, 'a fence does not grow over death', last.fence, back.fence);
    ensure((await one.settle([done(last)]))[0] === false, 'a fence of before its death is good');
    await one.settled(retried(back, 0, true));
    const second = await one.only();
    ensureSame([second.attempt, second.crashes], [2, 1], 'attempt and crashes of one that is back');
    ensure((await one.redrive()) === 2, 'all are put back, and not all are told');
    ensureSame((await other.pulledIds(3)).sort(), ['a', 'b'], 'who is back');
    ensure((await one.dead()).length === 0, 'who is back is dead');
  },

  async 'puts back one whose deadline had passed'(trial) {
    const handle = await trial.open();
    const { leaseMs } = trial.setting;
    await handle.added({ id: 'a', data: 0, expiresInMs: leaseMs });
    const job = await handle.only();
    await handle.settled({ ...job, kind: 'dead', reason: 'expired', error: 'late' });
    await trial.pass(leaseMs);
    await handle.redrive();
    ensureSame((await handle.only()).expiresInMs, undefined, 'what is left of a deadline, and nothing');
  },

  async 'forgets the dead'(trial) {
    const [one, other] = await trial.pair();
    await buryAll(trial, one, 'a', 'b', 'c');
    await one.added(...jobsOf('alive'));
    ensure((await other.purge(['a', 'alive', 'nobody', 'a'])) === 1, 'one is forgotten, and not one is told');
    ensureSame(
      (await one.dead()).map(({ id }) => id),
      ['b', 'c'],
      'who is left',
    );
    ensure((await one.purge()) === 2, 'all are forgotten, and not all are told');
    ensureSame(await one.places(), [1, 0, 0, 0], 'counts when the dead are forgotten');
    await other.added(...jobsOf('a'));
    ensure((await one.redrive()) === 0, 'somebody who was forgotten is put back');
    ensureSame(await one.pulledIds(3), ['alive', 'a'], 'who lives');
  },
};
