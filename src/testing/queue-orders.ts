import type { NewJob, PutResult } from '../queue/index.ts';
import { ensure, ensureSame } from './ensure.ts';
import { done, jobsOf, type QueueHandle, type QueueLaw, retried, wide } from './queue-trial.ts';

const statuses = (results: readonly PutResult[]): readonly string[] => results.map(({ status }) => status);
const ids = (jobs: readonly { readonly id: string }[]): readonly string[] => jobs.map(({ id }) => id);

async function ensureOrder(handle: QueueHandle, expected: readonly string[], what: string): Promise<void> {
  ensureSame(await handle.pulledIds(expected.length + 5), expected, what);
}

/** @internal What is accepted, and who goes first. */
export const orderLaws: Readonly<Record<string, QueueLaw>> = {
  async 'says what it can do'(trial) {
    const { caps } = await trial.open();
    for (const name of ['durable', 'shared', 'priority', 'aging', 'delay', 'keys', 'drop'] as const) {
      ensure(typeof caps[name] === 'boolean', `caps.${name} is neither true nor false`, caps[name]);
    }
    ensure(
      caps.dedupe.every((mode) => ['reject', 'replace', 'rerun'].includes(mode)),
      'caps.dedupe has a mode that nobody knows',
      caps.dedupe,
    );
    ensure(caps.maxLeaseMs >= 1, 'caps.maxLeaseMs is no length', caps.maxLeaseMs);
  },

  async 'makes nothing of nothing'(trial) {
    const handle = await trial.open();
    ensureSame(await handle.places(), [0, 0, 0, 0], 'counts of a new queue');
    ensure((await handle.counts()).oldestMs === 0, 'somebody waits in a new queue');
    await handle.idle('a job is pulled that nobody has put');
    ensureSame(await handle.put([]), [], 'what became of no jobs');
    ensureSame(await handle.settle([]), [], 'what became of no outcomes');
    ensureSame(await handle.extend([], 1_000), [], 'what became of no leases');
    ensureSame(await handle.cancel([]), [], 'what became of no ids');
    const nobody = { id: 'nobody', fence: 1n };
    ensureSame(await handle.settle([done(nobody), retried(nobody)]), [false, false], 'ends of leases that nobody has');
    ensureSame(await handle.extend([nobody], 1_000), [false], 'extensions of leases that nobody has');
    ensureSame(await handle.cancel(['nobody']), [false], 'cancellations of jobs that nobody has put');
    ensure((await handle.redrive()) + (await handle.purge(['nobody'])) === 0, 'nobody is dead, and yet somebody is');
  },

  async 'pulls in the order of putting, each job once'(trial) {
    const [one, other] = await trial.pair();
    await one.added(...jobsOf('a', 'b', 'c'));
    await other.added(...jobsOf('d'));
    await one.added(...jobsOf('e', 'f'));
    ensureSame(await one.pull(0), [], 'what was pulled when nothing was asked for');
    ensureSame(ids(await one.pull(2)), ['a', 'b'], 'pulled first, and put first');
    ensureSame(ids(await other.pull(3)), ['c', 'd', 'e'], 'pulled next, and put next');
    await ensureOrder(one, ['f'], 'pulled last, and put last');
    ensureSame(await one.places(), [0, 0, 6, 0], 'counts when all are leased');
  },

  async 'gives what was put'(trial) {
    const [one, other] = await trial.pair();
    const { keys, priority } = one.caps;
    const settings = { attempts: 7, timeoutMs: 1_234.5, type: 'page' };
    const job: NewJob<unknown> = {
      id: 'full',
      data: { list: [1, 'two', null, { three: true }], text: 'text' },
      settings,
      ...(keys && { key: 'key' }),
      ...(priority && { priority: 3 }),
    };
    await one.added(job);
    const pulled = await other.only();
    const { id, data, key, settings: kept } = pulled;
    ensureSame([id, data, key, kept], [job.id, job.data, job.key, settings], 'what was pulled, and what was put');
    ensure(pulled.priority === (priority ? 3 : 0), 'the priority has changed', pulled.priority);
    ensure(pulled.attempt === 1 && pulled.crashes === 0, 'a first attempt is none', pulled.attempt, pulled.crashes);
    ensure(pulled.expiresInMs === undefined, 'a deadline that nobody has set', pulled.expiresInMs);
    await one.added({ id: 'bare', data: null });
    const bare = await other.only();
    ensureSame([bare.data, bare.priority, bare.key], [null, 0, undefined], 'a job with nothing but an id, and nothing');
  },

  async 'accepts an id once'(trial) {
    const [one, other] = await trial.pair();
    const first = await one.put(jobsOf('a', 'b', 'a'));
    ensureSame(statuses(first), ['added', 'added', 'duplicate'], 'an id twice in one batch');
    const refused = async (what: string, dead?: string): Promise<void> => {
      const [result] = await other.put([{ id: 'a', data: 'another' }]);
      ensureSame([result!.status, result!.id], ['duplicate', 'a'], what);
      ensureSame(result!.dead, dead, `${what}: its last error`);
    };
    await refused('an id that waits');
    const [a] = await one.pull(1);
    ensureSame(a?.data, 'a', 'what was pulled, and what was accepted');
    await refused('an id that is leased');
    await one.settled({ ...a!, kind: 'dead', reason: 'failed', error: 'no' });
    await refused('an id that is dead', 'no');
    await ensureOrder(one, ['b'], 'what is left');
  },

  async 'puts the more urgent first'(trial) {
    const handle = await trial.open();
    if (!handle.caps.priority) return;
    const ranks = [0, 5, -3, 5, 0, 1_000, -3, 1];
    await handle.added(...ranks.map((priority, i) => ({ id: `p${String(i)}`, data: i, priority })));
    await handle.added({ id: 'plain', data: 0 });
    await ensureOrder(handle, ['p5', 'p1', 'p3', 'p7', 'p0', 'p4', 'plain', 'p2', 'p6'], 'pulled, and by priority');
  },

  async 'keeps a delayed job until it is ready'(trial) {
    const [one, other] = await trial.pair();
    if (!one.caps.delay) return;
    const { leaseMs } = trial.setting;
    await one.added({ id: 'later', data: 1, delayMs: leaseMs }, { id: 'much later', data: 1, delayMs: 3_600_000 });
    await one.added(...jobsOf('now'));
    ensureSame(await one.places(), [1, 2, 0, 0], 'counts with two that are delayed');
    await ensureOrder(other, ['now'], 'what is ready');
    await trial.pass(leaseMs);
    ensure((await trial.next(other, 'the end of a delay')).id === 'later', 'another job is ready');
    ensureSame(await one.places(), [0, 1, 2, 0], 'counts with one that is delayed');
  },

  async 'has no more waiting than there is room'(trial) {
    const handle = await trial.open();
    const room = { max: 3, overflow: 'reject' } as const;
    ensureSame(statuses(await handle.put(jobsOf('x'), { ...room, max: 0 })), ['full'], 'a job where there is no room');
    const batch = await handle.put(jobsOf('a', 'b', 'a', 'c', 'd', 'e'), room);
    ensureSame(
      statuses(batch),
      ['added', 'added', 'duplicate', 'added', 'full', 'full'],
      'a batch larger than the room',
    );
    ensureSame(ids(batch), ['a', 'b', 'a', 'c', 'd', 'e'], 'whose the answers are');
    ensureSame(statuses(await handle.put(jobsOf('b', 'f'), room)), ['duplicate', 'full'], 'jobs where all is full');
    const [a] = await handle.pull(1);
    ensureSame(statuses(await handle.put(jobsOf('d', 'e'), room)), ['added', 'full'], 'jobs where one is leased');
    await handle.settled(done(a!));
    ensureSame(statuses(await handle.put(jobsOf('e'), room)), ['full'], 'a job where one that did not wait is done');
    ensure((await handle.cancel(['b']))[0] === true, 'a job that waits is not cancelled');
    ensureSame(statuses(await handle.put(jobsOf('e'), room)), ['added'], 'a job where one that waited is cancelled');
    await ensureOrder(handle, ['c', 'd', 'e'], 'what was accepted');
  },

  async 'counts the delayed among those that need room'(trial) {
    const handle = await trial.open();
    if (!handle.caps.delay) return;
    await handle.added({ id: 'later', data: 1, delayMs: 3_600_000 });
    ensureSame(
      statuses(await handle.put(jobsOf('a'), { max: 1, overflow: 'reject' })),
      ['full'],
      'a job beside a delayed one',
    );
  },

  async 'drops the oldest, or the lowest, where room is needed'(trial) {
    const handle = await trial.open();
    if (!handle.caps.drop) return;
    await handle.added(...jobsOf('a', 'b'));
    const [c] = await handle.put(jobsOf('c'), { max: 2, overflow: 'dropOldest' });
    ensureSame([c!.status, c!.dropped], ['added', 'a'], 'a job that drops the oldest');
    if (!handle.caps.priority) return;
    const urgent = { id: 'd', data: 1, priority: 1 };
    const [low] = await handle.put([{ id: 'low', data: 1, priority: -1 }], { max: 2, overflow: 'dropLowest' });
    ensure(low?.status === 'full', 'a job that is the lowest itself is accepted', low?.status);
    const [d] = await handle.put([urgent], { max: 2, overflow: 'dropLowest' });
    if (d?.status !== 'added' || !['b', 'c'].includes(d.dropped ?? '')) throw new Error('nobody lower is dropped');
    await ensureOrder(handle, ['d', d.dropped === 'b' ? 'c' : 'b'], 'who is left');
  },

  async 'rejects what is the same as one that lives'(trial) {
    const [one, other] = await trial.pair();
    if (!one.caps.dedupe.includes('reject')) return;
    const same = (id: string): NewJob<unknown> => ({ id, data: id, dedupe: { id: 'page', mode: 'reject' } });
    const refused = async (what: string): Promise<void> => {
      const [result] = await other.put([same('b')]);
      ensureSame([result!.status, result!.id], ['duplicate', 'a'], what);
    };
    ensureSame(statuses(await one.put([same('a'), same('a2')])), ['added', 'duplicate'], 'the same twice in one batch');
    await refused('the same as one that waits');
    const [job] = await one.pull(1);
    await refused('the same as one that is leased');
    await one.settled(retried(job!, 0));
    await refused('the same as one that is tried again');
    ensure(
      (await other.put([same('b')], { ...wide, max: 0 }))[0]?.status === 'duplicate',
      'full comes before duplicate',
    );
    const again = await one.only();
    ensureSame(again.data, 'a', 'the data of the one that lives');
    await one.settled(done(again));
    await other.added(same('b'));
  },

  async 'replaces the data of one that waits, and stands beside one that runs'(trial) {
    const handle = await trial.open();
    if (!handle.caps.dedupe.includes('replace')) return;
    const same = (id: string, data: string): NewJob<unknown> => ({ id, data, dedupe: { id: 'page', mode: 'replace' } });
    await handle.added(same('a', 'old'));
    const [replaced] = await handle.put([same('b', 'new')]);
    ensure(replaced?.status === 'duplicate', 'one that replaces another counts as two', replaced?.status);
    const job = await handle.only();
    ensureSame(job.data, 'new', 'pulled, and newest');
    await handle.added(same('c', 'newer'));
    ensureSame((await handle.only()).data, 'newer', 'pulled beside one that runs, and put');
  },

  async 'runs once more with the newest data after one that runs'(trial) {
    const handle = await trial.open();
    if (!handle.caps.dedupe.includes('rerun')) return;
    const same = (id: string, data: string): NewJob<unknown> => ({ id, data, dedupe: { id: 'page', mode: 'rerun' } });
    await handle.added(same('a', 'first'));
    const first = await handle.only();
    ensureSame(statuses(await handle.put([same('b', 'second')])), ['duplicate'], 'a rerun');
    ensureSame(statuses(await handle.put([same('c', 'third')])), ['duplicate'], 'a second rerun');
    await handle.idle('a rerun is pulled beside what runs');
    ensure((await handle.settle([done(first)], 1))[0] === true, 'what runs cannot be done');
    const second = await handle.only();
    ensureSame([second.data, second.attempt], ['third', 1], 'the rerun, and the newest');
    await handle.settled(done(second));
    await handle.idle('one rerun too many');
  },

  async 'leases one job of a key at a time, fair among keys'(trial) {
    const handle = await trial.open();
    if (!handle.caps.keys) return;
    const keyed = (id: string): NewJob<unknown> => ({ id, data: id, key: id[0]! });
    await handle.added(...['a1', 'a2', 'a3', 'b1', 'b2'].map(keyed), { id: 'free', data: 0 });
    const first = await handle.pull(10);
    ensureSame([...ids(first)].sort(), ['a1', 'b1', 'free'], 'pulled, and one of each key');
    const byId = (id: string): (typeof first)[number] => first.find((job) => job.id === id)!;
    await handle.settled(done(byId('a1')));
    await ensureOrder(handle, ['a2'], 'pulled when one of the key is done');
    await handle.settled(buriedLease(byId('b1')));
    await ensureOrder(handle, ['b2'], 'pulled when one of the key is dead');
  },

  async 'goes on with a key whose job was lost'(trial) {
    const handle = await trial.open();
    if (!handle.caps.keys) return;
    const { leaseMs } = trial.setting;
    await handle.added({ id: 'a', data: 0, key: 'k' }, { id: 'b', data: 0, key: 'k' });
    await handle.only(leaseMs);
    await trial.pass(leaseMs);
    for (let turns = 0; turns < 2; turns++)
      await handle.settled(done(await trial.next(handle, 'another turn of the key')));
    ensureSame(await handle.places(), [0, 0, 0, 0], 'counts when all are done');
  },
};

const buriedLease = ({ id, fence }: { readonly id: string; readonly fence: bigint }) =>
  ({ id, fence, kind: 'dead', reason: 'failed', error: 'no' }) as const;
