/** The suite itself: that it passes what is sound, and that each fault is found. */
import { queueStoreSuite, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import {
  type JobLease,
  type LeasedJob,
  MemoryQueueStore,
  type NewJob,
  type PutResult,
  type QueueStore,
} from '../../src/queue/index.ts';

type Store = QueueStore<unknown>;
type Fault = (sound: Store) => Partial<Store>;

const memory = (clock: VirtualClock): Store => new MemoryQueueStore({ runtime: { clock, random: seededRandom(1) } });

describe('MemoryQueueStore', () => {
  const clock = new VirtualClock();
  queueStoreSuite(
    () => memory(clock),
    { describe, it },
    { waitMs: (ms) => clock.advance(ms), sequences: 300, steps: 80 },
  );
});

/** A store whose methods can be replaced one by one. */
function unbound(store: Store): Store {
  return {
    caps: store.caps,
    dead: store.dead,
    open: () => store.open(),
    put: (jobs, room) => store.put(jobs, room),
    pull: (max, leaseMs) => store.pull(max, leaseMs),
    extend: (leases, leaseMs) => store.extend(leases, leaseMs),
    settle: (outcomes) => store.settle(outcomes),
    cancel: (ids) => store.cancel(ids),
    counts: () => store.counts(),
    wake: (onWake) => store.wake(onWake),
    close: () => store.close(),
  };
}

/** What the tests of which the name has `law` in it say of a store with a fault. */
async function failures(law: string, fault: Fault): Promise<readonly string[]> {
  const clock = new VirtualClock();
  const tests: [name: string, body: () => Promise<void>][] = [];
  queueStoreSuite(
    () => {
      const sound = unbound(memory(clock));
      return { ...sound, ...fault(sound) };
    },
    { describe: (_, body) => body(), it: (name, body) => tests.push([name, body]) },
    { waitMs: (ms) => clock.advance(ms), sequences: 20, steps: 60, jobs: 10, leaseMs: 100, lateMs: 200 },
  );
  const asked = tests.filter(([name]) => name.includes(law));
  expect(asked, 'tests of that name').not.toHaveLength(0);
  const said: string[] = [];
  for (const [name, body] of asked) {
    try {
      await body();
    } catch (error) {
      said.push(`${name}: ${(error as Error).message}`);
    }
  }
  return said;
}

const pulledAs =
  (change: (job: LeasedJob<unknown>) => LeasedJob<unknown>): Fault =>
  (sound) => ({ pull: async (max, leaseMs) => (await sound.pull(max, leaseMs)).map(change) });

const putAs =
  (change: (job: NewJob<unknown>) => NewJob<unknown>): Fault =>
  (sound) => ({ put: (jobs, room) => sound.put(jobs.map(change), room) });

/** Whose lease is the newest, for stores that go by the id only. */
function newest(sound: Store): { readonly pull: Store['pull']; readonly of: <T extends JobLease>(lease: T) => T } {
  const fences = new Map<string, bigint>();
  return {
    async pull(max, leaseMs) {
      const jobs = await sound.pull(max, leaseMs);
      for (const { id, fence } of jobs) fences.set(id, fence);
      return jobs;
    },
    of: (lease) => ({ ...lease, fence: fences.get(lease.id) ?? lease.fence }),
  };
}

const faults: readonly (readonly [law: string, what: string, fault: Fault])[] = [
  ['says what it can do', 'a mode of its own', (sound) => ({ caps: { ...sound.caps, dedupe: ['merge' as never] } })],
  ['makes nothing of nothing', 'a yes to everybody', () => ({ extend: async (leases) => leases.map(() => true) })],
  ['makes nothing of nothing', 'an answer to nobody', () => ({ cancel: async () => [] })],
  [
    'in the order of putting',
    'the newest first',
    (sound) => ({ pull: async (max, leaseMs) => [...(await sound.pull(max, leaseMs))].reverse() }),
  ],
  [
    'in the order of putting',
    'one more than asked for',
    (sound) => ({ pull: (max, leaseMs) => sound.pull(max + 1, leaseMs) }),
  ],
  [
    'each job once',
    'jobs for everybody',
    (sound) => {
      const all: LeasedJob<unknown>[] = [];
      return {
        async pull(max, leaseMs) {
          all.push(...(await sound.pull(max, leaseMs)));
          return all.slice(0, max);
        },
      };
    },
  ],
  [
    'in the order of putting',
    'a job that is lost on the way',
    (sound) => {
      let count = 0;
      return {
        async put(jobs, room) {
          const kept = jobs.filter(() => ++count % 3 !== 0);
          const results = new Map((await sound.put(kept, room)).map((result) => [result.id, result]));
          return jobs.map(({ id }): PutResult => results.get(id) ?? { status: 'added', id });
        },
      };
    },
  ],
  ['gives what was put', 'settings of nobody', pulledAs((job) => ({ ...job, settings: undefined }))],
  ['gives what was put', 'attempts from 0', pulledAs((job) => ({ ...job, attempt: job.attempt - 1 }))],
  [
    'accepts an id once',
    'whatever comes',
    (sound) => ({
      put: async (jobs, room) => (await sound.put(jobs, room)).map(({ id }) => ({ status: 'added', id })),
    }),
  ],
  [
    'accepts an id once',
    'ids of the dead are free',
    (sound) => ({
      async put(jobs, room) {
        await sound.dead.purge(jobs.map(({ id }) => id));
        return sound.put(jobs, room);
      },
    }),
  ],
  ['puts the more urgent first', 'no priorities', putAs((job) => ({ ...job, priority: 0 }))],
  ['puts the more urgent first', 'lower is sooner', putAs((job) => ({ ...job, priority: -(job.priority ?? 0) }))],
  ['keeps a delayed job', 'no delays', putAs((job) => ({ ...job, delayMs: 0 }))],
  ['keeps a delayed job', 'delays of twice the length', putAs((job) => ({ ...job, delayMs: 30 * (job.delayMs ?? 0) }))],
  [
    'than there is room',
    'room for one more',
    (sound) => ({ put: (jobs, room) => sound.put(jobs, { ...room, max: room.max + 1 }) }),
  ],
  [
    'than there is room',
    'room for each batch',
    (sound) => ({
      async put(jobs, room) {
        const { waiting, delayed } = await sound.counts();
        return sound.put(jobs, waiting + delayed < room.max ? { ...room, max: Infinity } : room);
      },
    }),
  ],
  [
    'drops the oldest',
    'nobody gives way',
    (sound) => ({ put: (jobs, room) => sound.put(jobs, { ...room, overflow: 'reject' }) }),
  ],
  ['rejects what is the same', 'nothing is the same', putAs(({ dedupe, ...job }) => ({ ...job, key: dedupe?.id }))],
  [
    'replaces the data',
    'the old data stays',
    putAs((job) => (job.dedupe ? { ...job, dedupe: { ...job.dedupe, mode: 'reject' } } : job)),
  ],
  [
    'runs once more',
    'no rerun',
    putAs((job) => (job.dedupe ? { ...job, dedupe: { ...job.dedupe, mode: 'reject' } } : job)),
  ],
  ['one job of a key at a time', 'keys are nothing', putAs((job) => ({ ...job, key: undefined }))],
  [
    'ends a job that is done',
    'what is done comes back',
    (sound) => ({
      settle: (outcomes) => sound.settle(outcomes.map(({ id, fence }) => ({ id, fence, kind: 'release', delayMs: 0 }))),
    }),
  ],
  [
    'not the newest',
    'whoever knows the id may settle',
    (sound) => {
      const { pull, of } = newest(sound);
      return { pull, settle: (outcomes) => sound.settle(outcomes.map(of)) };
    },
  ],
  [
    'not the newest',
    'whoever knows the id may extend',
    (sound) => {
      const { pull, of } = newest(sound);
      return { pull, extend: (leases, leaseMs) => sound.extend(leases.map(of), leaseMs) };
    },
  ],
  [
    'not the newest',
    'one fence for all',
    (sound) => {
      const { pull, of } = newest(sound);
      return {
        pull: async (max, leaseMs) => (await pull(max, leaseMs)).map((job) => ({ ...job, fence: 1n })),
        settle: (outcomes) => sound.settle(outcomes.map(of)),
        extend: (leases, leaseMs) => sound.extend(leases.map(of), leaseMs),
      };
    },
  ],
  ['its lease has run out', 'crashes that nobody counts', pulledAs((job) => ({ ...job, crashes: 0 }))],
  ['its lease has run out', 'leases without end', (sound) => ({ pull: (max) => sound.pull(max, Infinity) })],
  [
    'by the clock',
    'leases of five times the length',
    (sound) => ({ pull: (max, leaseMs) => sound.pull(max, leaseMs * 5) }),
  ],
  ['extended in time', 'extensions of nothing', (sound) => ({ extend: (leases) => sound.extend(leases, 1) })],
  [
    'extended in time',
    'leases that only grow',
    (sound) => ({ extend: (leases, leaseMs) => sound.extend(leases, Math.max(leaseMs, 60_000)) }),
  ],
  [
    'does not charge a release',
    'a release that is charged',
    (sound) => ({
      settle: (outcomes) =>
        sound.settle(
          outcomes.map((outcome) => (outcome.kind === 'release' ? { ...outcome, kind: 'retry', error: '' } : outcome)),
        ),
    }),
  ],
  [
    'charges a retry',
    'crashes that are told to the wind',
    (sound) => ({
      settle: (outcomes) =>
        sound.settle(outcomes.map((outcome) => ('crashed' in outcome ? { ...outcome, crashed: false } : outcome))),
    }),
  ],
  [
    'tries again when the delay is over',
    'no patience',
    (sound) => ({
      settle: (outcomes) =>
        sound.settle(outcomes.map((outcome) => ('delayMs' in outcome ? { ...outcome, delayMs: 0 } : outcome))),
    }),
  ],
  ['whose deadline has passed', 'no deadlines', putAs((job) => ({ ...job, expiresInMs: undefined }))],
  [
    'whose deadline has passed',
    'deadlines of a day',
    putAs((job) => (job.expiresInMs ? { ...job, expiresInMs: 86_400_000 } : job)),
  ],
  [
    'cancels what nobody holds',
    'the dead are forgotten too',
    (sound) => ({
      async cancel(ids) {
        const taken = await sound.cancel(ids);
        return Promise.all(ids.map(async (id, i) => taken[i]! || (await sound.dead.purge([id])) > 0));
      },
    }),
  ],
  [
    'for each of a batch',
    'the first answer for all',
    (sound) => ({
      async settle(outcomes) {
        const held = await sound.settle(outcomes);
        return held.map(() => held[0]!);
      },
    }),
  ],
  [
    'for each of a batch',
    'twice the same is twice done',
    (sound) => ({
      async settle(outcomes) {
        const held = await sound.settle(outcomes);
        return held.map(
          (one, i) => one || outcomes.some(({ id, kind }, n) => n < i && held[n] && id === outcomes[i]!.id && kind),
        );
      },
    }),
  ],
  ['when it is closed', 'durable for show', (sound) => ({ caps: { ...sound.caps, durable: true } })],
  [
    'lets whoever listens go',
    'once and for ever',
    (sound) => ({ wake: (onWake) => (sound.wake(onWake), () => undefined) }),
  ],
  [
    'the oldest first',
    'the newest first',
    (sound) => ({
      dead: {
        ...sound.dead,
        async *list() {
          const all = [];
          for await (const job of sound.dead.list()) all.unshift(job);
          yield* all;
        },
      },
    }),
  ],
  [
    'says why they are dead',
    'one reason for all',
    (sound) => ({
      settle: (outcomes) =>
        sound.settle(outcomes.map((outcome) => (outcome.kind === 'dead' ? { ...outcome, reason: 'failed' } : outcome))),
    }),
  ],
  [
    'puts the dead back',
    'all when some are asked for',
    (sound) => ({ dead: { ...sound.dead, redrive: () => sound.dead.redrive() } }),
  ],
  [
    'puts the dead back',
    'attempts that are remembered',
    (sound) => {
      const back = new Set<string>();
      const { list, purge } = sound.dead;
      return {
        dead: {
          list,
          purge,
          async redrive(ids) {
            for await (const { id } of list()) back.add(id);
            return sound.dead.redrive(ids);
          },
        },
        pull: async (max, leaseMs) =>
          (await sound.pull(max, leaseMs)).map((job) =>
            back.has(job.id) ? { ...job, attempt: job.attempt + 3 } : job,
          ),
      };
    },
  ],
  [
    'forgets the dead',
    'all when some are asked for',
    (sound) => ({ dead: { ...sound.dead, purge: () => sound.dead.purge() } }),
  ],
  ['hostile ids', 'ids of one case', putAs((job) => ({ ...job, id: job.id.toLowerCase() }))],
  ['hostile ids', 'ids of one form', putAs((job) => ({ ...job, id: job.id.normalize('NFC') }))],
  [
    'whatever data',
    'objects that were assigned',
    putAs((job) => {
      const { data } = job;
      const isPlain = typeof data === 'object' && data !== null && !Array.isArray(data);
      return { ...job, data: isPlain ? Object.assign({}, data) : data };
    }),
  ],
  ['whatever data', 'nothing for false', putAs((job) => ({ ...job, data: job.data === false ? null : job.data }))],
  [
    'hostile keys, types',
    'types of letters',
    putAs((job) => ({ ...job, settings: { type: job.settings?.type?.replace(/[^a-z]/g, '') } })),
  ],
  [
    'errors as they can be read',
    'short errors',
    (sound) => ({
      settle: (outcomes) =>
        sound.settle(
          outcomes.map((outcome) =>
            'error' in outcome ? { ...outcome, error: outcome.error.slice(0, 1_000) } : outcome,
          ),
        ),
    }),
  ],
  [
    'what is many',
    'a hundred of a thousand',
    (sound) => ({ pull: (max, leaseMs) => sound.pull(max > 300 ? 0 : max, leaseMs) }),
  ],
  [
    'what a list would do',
    'a purge that is not quite one',
    (sound) => ({
      dead: { ...sound.dead, purge: async (ids) => ((await sound.dead.purge(ids)) > 1 ? 1 : 0) },
    }),
  ],
  ['what a list would do', 'crashes that nobody counts', pulledAs((job) => ({ ...job, crashes: 0 }))],
  [
    'what a list would do',
    'extensions of nothing',
    (sound) => ({ extend: (leases, leaseMs) => sound.extend(leases, leaseMs / 2) }),
  ],
  [
    'in a storm of instances',
    'a look before a leap',
    (sound) => {
      const known = new Set<string>();
      return {
        async put(jobs, room) {
          const results = jobs.map(({ id }): PutResult => ({ status: known.has(id) ? 'duplicate' : 'added', id }));
          await Promise.resolve();
          for (const { id } of jobs) known.add(id);
          await sound.put(jobs, room);
          return results;
        },
      };
    },
  ],
  [
    'in a storm of instances',
    'a settlement that takes its time',
    (sound) => ({
      async settle(outcomes) {
        const held = await Promise.all(
          outcomes.map(async ({ id, fence }) => (await sound.extend([{ id, fence }], 600_000))[0]!),
        );
        await sound.settle(outcomes);
        return held;
      },
    }),
  ],
];

describe('queueStoreSuite', () => {
  it.each(faults)('has a test that %s, which finds: %s', async (law, _, fault) => {
    expect(await failures(law, () => ({}))).toEqual([]);
    expect(await failures(law, fault)).not.toEqual([]);
  });

  it('names what was promised and what was found', async () => {
    const [said] = await failures(
      'gives what was put',
      pulledAs((job) => ({ ...job, priority: 7 })),
    );
    expect(said).toBe('gives what was put: the priority has changed: 7');
  });

  it('says what led to a failure of a sequence', async () => {
    const [said] = await failures(
      'what a list would do',
      pulledAs((job) => ({ ...job, crashes: 9 })),
    );
    expect(said).toMatch(/sequence \d+ of seed 1: .*attempts or crashes[^]*\["put"/);
  });

  it('refuses what it does not understand', () => {
    const tools = { describe: () => undefined, it: () => undefined };
    const make = (): Store => new MemoryQueueStore();
    expect(() => queueStoreSuite(undefined as never, tools)).toThrow('make must be a function');
    expect(() => queueStoreSuite(make, {} as never)).toThrow('describe must be a function');
    expect(() => queueStoreSuite(make, tools, { leaseMs: 0 })).toThrow('leaseMs must be an integer >= 1, got 0');
    expect(() => queueStoreSuite(make, tools, { ttlMs: 1 } as never)).toThrow('queueStoreSuite has no option "ttlMs"');
  });
});
