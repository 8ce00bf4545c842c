import type { JobLease, JobOutcome } from '../queue/index.ts';
import { ensure, ensureSame } from './ensure.ts';
import { buried, cancelled, done, jobsOf, type QueueHandle, type QueueLaw, released, retried } from './queue-trial.ts';

const endings: Readonly<Record<string, (job: JobLease) => JobOutcome>> = {
  done,
  cancelled,
  released,
  retried,
  buried,
};

/** Whatever is asked with a lease that is over is refused, and changes nothing. */
async function ensureOver(handle: QueueHandle, lease: JobLease, what: string): Promise<void> {
  const before = await handle.places();
  for (const [name, ending] of Object.entries(endings)) {
    ensure((await handle.settle([ending(lease)]))[0] === false, `${what}: it is ${name}`);
  }
  ensure((await handle.extend([lease], 60_000))[0] === false, `${what}: it is extended`);
  ensureSame(await handle.places(), before, `${what}: counts after and before`);
}

/** @internal Who may do what with a job, and for how long. */
export const leaseLaws: Readonly<Record<string, QueueLaw>> = {
  async 'ends a job that is done, once'(trial) {
    const [one, other] = await trial.pair();
    await one.added(...jobsOf('a', 'b'));
    const [a, b] = await one.pull(2);
    ensureSame(await other.settle([done(a!)]), [true], 'an end told by another instance');
    ensureSame(await one.places(), [0, 0, 1, 0], 'counts when one is done');
    await ensureOver(one, a!, 'a job that is done');
    await one.settled(cancelled(b!));
    await ensureOver(one, b!, 'a job that is cancelled');
    await one.idle('what has ended is pulled');
    ensure((await one.dead()).length === 0, 'what is done or cancelled is dead');
  },

  async 'refuses a fence that is not the newest'(trial) {
    const [one, other] = await trial.pair();
    await one.added(...jobsOf('a'));
    const stale = [];
    for (const ending of [released, retried, released, retried]) {
      const lease = await one.only();
      for (const old of stale) {
        ensure(lease.fence > old.fence, 'a fence does not grow', old.fence, lease.fence);
        await ensureOver(one, old, 'a stale fence');
        await ensureOver(other, old, 'a stale fence at another instance');
      }
      stale.push(lease);
      await other.settled(ending(lease));
      await ensureOver(one, lease, 'a fence of a lease that was given back');
    }
    const last = await one.only();
    await ensureOver(one, { id: 'a', fence: last.fence + 1n }, 'a fence of nobody');
    ensureSame(await other.extend([last], 60_000), [true], 'whether the newest is extended');
    await one.settled(done(last));
  },

  async 'gives a job to another when its lease has run out'(trial) {
    const [one, other] = await trial.pair();
    const { leaseMs } = trial.setting;
    await one.added(...jobsOf('a'));
    let last = await one.only(leaseMs);
    for (const crashes of [1, 2]) {
      await trial.pass(leaseMs);
      const next = await trial.next(other, 'another lease of a job that was lost', leaseMs);
      ensureSame([next.id, next.data, next.crashes], ['a', 'a', crashes], 'pulled again, and lost');
      ensure(next.attempt === crashes + 1, 'an attempt that was lost is not counted', next.attempt);
      ensure(next.fence > last.fence, 'a fence does not grow', last.fence, next.fence);
      await ensureOver(one, last, 'the lease that was lost');
      last = next;
    }
    const [again] = await other.settle([done(last)]);
    ensure(again === true || (await trial.next(other, 'another lease')).crashes === 3, 'the job is gone');
  },

  async 'ends a lease by the clock, not by who comes next'(trial) {
    const handle = await trial.open();
    const { leaseMs } = trial.setting;
    await handle.added(...jobsOf('a'));
    const lease = await handle.only(leaseMs);
    await trial.pass(leaseMs);
    await ensureOver(handle, lease, 'a lease that has run out');
    const next = await trial.next(handle, 'another lease of a job that was lost');
    ensureSame([next.id, next.crashes], ['a', 1], 'pulled again, and lost');
  },

  async 'keeps a lease that is extended in time'(trial) {
    const [one, other] = await trial.pair();
    const { leaseMs } = trial.setting;
    await one.added(...jobsOf('a', 'b'));
    const [a, b] = await one.pull(2, leaseMs);
    ensureSame(await one.extend([a!, b!], 60_000), [true, true], 'whether both are extended');
    await trial.pass(2 * leaseMs);
    await other.idle('a job is pulled whose lease was extended');
    await one.settled(done(a!));
    ensureSame(await one.extend([b!], leaseMs), [true], 'whether a lease is made shorter');
    await trial.pass(leaseMs);
    ensureSame((await trial.next(one, 'the end of a lease that was made shorter')).id, 'b', 'pulled again, and lost');
  },

  async 'does not charge a release'(trial) {
    const handle = await trial.open();
    await handle.added(...jobsOf('a'));
    for (const attempt of [1, 1, 1]) {
      const job = await handle.only();
      ensureSame([job.attempt, job.crashes], [attempt, 0], 'attempt and crashes after a release');
      await handle.settled(released(job));
      ensureSame(await handle.places(), [1, 0, 0, 0], 'counts after a release');
    }
    await handle.settled(retried(await handle.only()));
    ensure((await handle.only()).attempt === 2, 'an attempt is not counted after releases');
  },

  async 'charges a retry, and a crash that is told'(trial) {
    const handle = await trial.open();
    await handle.added(...jobsOf('a'));
    let crashes = 0;
    for (const [i, crashed] of [false, true, false, true, true, false].entries()) {
      const job = await handle.only();
      ensureSame([job.attempt, job.crashes], [i + 1, crashes], 'attempt and crashes after retries');
      await handle.settled(retried(job, 0, crashed));
      if (crashed) crashes++;
    }
    await handle.settled(buried(await handle.only(), 'enough', true));
    const [dead] = await handle.dead();
    ensureSame([dead?.attempts, dead?.crashes], [7, 4], 'attempts and crashes of the dead');
  },

  async 'tries again when the delay is over'(trial) {
    const handle = await trial.open();
    if (!handle.caps.delay) return;
    const { leaseMs } = trial.setting;
    await handle.added(...jobsOf('a', 'b'));
    const [a, b] = await handle.pull(2);
    await handle.settled(retried(a!, leaseMs), released(b!, leaseMs));
    ensureSame(await handle.places(), [0, 2, 0, 0], 'counts with two that are to be tried again');
    await handle.idle('a job is tried again before its time');
    await trial.pass(leaseMs);
    const found = [await trial.next(handle, 'another attempt'), await trial.next(handle, 'another attempt')];
    const attempts = found.map(({ id, attempt }) => [id, attempt]).sort();
    ensureSame(
      attempts,
      [
        ['a', 2],
        ['b', 1],
      ],
      'who is tried again, and which attempt it is',
    );
  },

  async 'gives nobody a job whose deadline has passed'(trial) {
    const [one, other] = await trial.pair();
    const { leaseMs } = trial.setting;
    await one.added({ id: 'short', data: 0, expiresInMs: leaseMs }, { id: 'long', data: 0, expiresInMs: 3_600_000 });
    const [short, long] = await other.pull(2);
    for (const { expiresInMs = Infinity } of [short!, long!]) {
      ensure(
        expiresInMs > 0 && expiresInMs <= 3_600_000,
        'the time that is left is not within what was given',
        expiresInMs,
      );
    }
    ensure(short!.expiresInMs! <= leaseMs, 'the time that is left is more than was given', short!.expiresInMs);
    await one.settled(released(short!), released(long!));
    await trial.pass(leaseMs);
    const found = await one.pull(2);
    ensure(
      found.every(({ id, expiresInMs = 0 }) => id === 'long' || expiresInMs <= 0),
      'a job is given as in time though its deadline has passed',
    );
    const late = (await one.dead()).map(({ id, reason }) => [id, reason]);
    if (!found.some(({ id }) => id === 'short')) ensureSame(late, [['short', 'expired']], 'the dead, and who was late');
  },

  async 'cancels what nobody holds'(trial) {
    const [one, other] = await trial.pair();
    const later = one.caps.delay ? [{ id: 'later', data: 0, delayMs: 3_600_000 }] : [];
    await one.added(...jobsOf('dead', 'held', 'done', 'a', 'b'), ...later);
    const [dead, held, over] = await one.pull(3);
    await one.settled(buried(dead!), done(over!));
    const asked = ['dead', 'held', 'done', 'a', 'a', 'nobody', ...later.map(({ id }) => id)];
    const taken = await other.cancel(asked);
    ensureSame(
      taken,
      [false, false, false, true, false, false, ...later.map(() => true)],
      `who of ${asked.join()} is taken back`,
    );
    ensureSame(await one.places(), [1, 0, 1, 1], 'counts when some are cancelled');
    ensureSame(await one.pulledIds(5), ['b'], 'what is left');
    await one.settled(done(held!));
    ensure((await one.dead()).length === 1, 'a dead job is cancelled');
  },

  async 'answers for each of a batch by itself'(trial) {
    const handle = await trial.open();
    await handle.added(...jobsOf('a', 'b', 'c'));
    const [a] = await handle.pull(1);
    await handle.settled(released(a!));
    const jobs = await handle.pull(3);
    const at = (id: string): JobLease => jobs.find((job) => job.id === id)!;
    const leases = [a!, at('a'), at('a'), { id: 'nobody', fence: 1n }, at('b'), a!];
    ensureSame(
      await handle.extend(leases, 60_000),
      [false, true, true, false, true, false],
      'which leases are extended',
    );
    const ends = [done(a!), done(at('b')), done(at('b')), retried(at('b')), done(at('a')), buried(at('c'))];
    ensureSame(await handle.settle(ends), [false, true, false, false, true, true], 'which leases are ended');
    ensureSame(await handle.places(), [0, 0, 0, 1], 'counts when two are done and one is dead');
  },

  async 'keeps what it has accepted when it is closed'(trial) {
    const { leaseMs } = trial.setting;
    const before = await trial.open();
    if (!before.caps.durable) return;
    await before.added(...jobsOf('held', 'dead', 'a', 'b'));
    const [, dead] = await before.pull(2, leaseMs);
    await before.settled(buried(dead!));
    await trial.shut(before);
    const after = await trial.open();
    await trial.pass(leaseMs);
    const found = new Set<string>();
    await trial.eventually('the return of all that was accepted', async () => {
      for (const { id } of await after.pull(3)) found.add(id);
      return found.size === 3 ? found : undefined;
    });
    ensureSame([...found].sort(), ['a', 'b', 'held'], 'what is there after, and what was accepted');
    ensure((await after.dead()).length === 1, 'the dead were forgotten');
  },

  async 'lets whoever listens go'(trial) {
    const handle = await trial.open();
    let calls = 0;
    const ends = [1, 2].map(() => handle.store.wake(() => calls++));
    await handle.added(...jobsOf('a'));
    for (const end of [...ends, ...ends]) end();
    const before = calls;
    await handle.added(...jobsOf('b'));
    await trial.pass(1);
    ensure(calls === before, 'who has gone is woken', calls - before);
  },
};
