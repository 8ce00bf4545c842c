/*
 * Processes with a queue on one store, under crashes, pauses, partitions and calls that fail, hang or come late, in the
 * simulator. What `add` has promised is done, once by the books of the store, whoever dies on the way.
 */

import { MemoryQueueStore, type QueueStore, WorkQueue } from 'holdfast/queue';
import { drawFaults, type Sim, type SimEnv, type SimNode } from 'holdfast/testing';

/** What a storm has come to. */
export interface StormBooks {
  /** Of how many jobs `add` has said that they are accepted. */
  accepted: number;
  /** How many of them were never done, and are in no store. */
  lost: number;
  /** How many ended twice in the store. */
  twice: number;
  /** How many attempts were begun: more than jobs, for leases end and processes die. */
  attempts: number;
}

/** What the store offers over the network. */
type Line = Pick<QueueStore<string>, 'open' | 'put' | 'pull' | 'extend' | 'settle' | 'cancel' | 'counts' | 'close'>;

const { caps } = new MemoryQueueStore();
const ids = ['a', 'b', 'c'];
const troubledMs = 30_000;
const calmMs = 60_000;
const jobsOfEach = 40;

/** The scenario; what it has come to is added to `books`. */
export const stormScenario =
  (books: StormBooks) =>
  async (sim: Sim): Promise<void> => {
    const accepted = new Set<string>();
    const done = new Map<string, number>();
    let attempts = 0;
    const store = storeNode(sim, (id) => done.set(id, (done.get(id) ?? 0) + 1));
    for (const name of ids) {
      sim.node(name, (env) => {
        worker(env, store, { accepted: (id) => accepted.add(id), attempt: () => attempts++ });
      });
    }
    sim.always('no job is done twice', () => [...done.values()].every((times) => times === 1));
    sim.sometimes('a job is attempted again', () => attempts > done.size + ids.length * 4);
    const random = sim.random('trouble');
    const share = (most: number): number => (random() < 0.5 ? 0 : random() * most);
    const faults = { refused: share(0.2), unacknowledged: share(0.2), unanswered: share(0.1), late: share(0.2) };
    sim.at(1, () => sim.at(troubledMs, sim.calls('store', { ...faults, lateMs: 3_000 })));
    const common = { services: ['store'], horizonMs: troubledMs, maxForMs: 5_000, maxExtraMs: 2_000, maxDrift: 0.01 };
    sim.schedule(drawFaults(random, { ...common, nodes: ids, maxFaults: 30 }));
    await sim.run({ untilMs: troubledMs + calmMs });
    books.accepted += accepted.size;
    books.lost += [...accepted].filter((id) => !done.has(id)).length;
    books.twice += [...done.values()].filter((times) => times > 1).length;
    books.attempts += attempts;
  };

/** A store on its own machine, and what it was told to be done, by its own books. */
function storeNode(sim: Sim, ended: (id: string) => void): SimNode<Line> {
  return sim.node('store', (env): Line => {
    const inner = new MemoryQueueStore<string>({ runtime: env.runtime });
    inner.wake(() => {
      for (const id of ids) env.send(id, 'wake');
    });
    return {
      open: () => inner.open(),
      put: (jobs, room) => inner.put(jobs, room),
      pull: (max, leaseMs) => inner.pull(max, leaseMs),
      extend: (leases, leaseMs) => inner.extend(leases, leaseMs),
      async settle(outcomes) {
        const held = await inner.settle(outcomes);
        for (const [i, { id, kind }] of outcomes.entries()) if (kind === 'done' && held[i] === true) ended(id);
        return held;
      },
      cancel: (taken) => inner.cancel(taken),
      counts: () => inner.counts(),
      close: () => Promise.resolve(),
    };
  });
}

/** A process: adds jobs as long as there is trouble, and works off what there is. */
function worker(
  env: SimEnv,
  node: SimNode<Line>,
  tell: { readonly accepted: (id: string) => unknown; readonly attempt: () => unknown },
): void {
  const { runtime, name, incarnation } = env;
  const { clock } = runtime;
  const queue = new WorkQueue<string, string>(
    async (id) => {
      tell.attempt();
      await clock.sleep(20 + runtime.random() * 400);
      if (runtime.random() < 0.1) throw new Error('now and then');
      return id;
    },
    {
      store: storeOf(env, node),
      runtime,
      workers: 4,
      budget: false,
      maxCrashes: 1_000,
      lease: { ms: 2_000, renewMs: 500 },
      retry: { attempts: 100, backoff: { baseMs: 50, maxMs: 500 } },
    },
  );
  const add = async (n: number): Promise<void> => {
    await clock.sleep(runtime.random() * troubledMs);
    // What was refused may have been done, and forgotten by now: it is offered again as another job.
    for (let offer = 0; ; offer++) {
      const id = `${name}${String(incarnation)}-${String(n)}.${String(offer)}`;
      try {
        await queue.add(id, { id });
        tell.accepted(id);
        return;
      } catch {
        await clock.sleep(200);
      }
    }
  };
  for (let n = 0; n < jobsOfEach; n++) void add(n);
}

/** The store as a process has it: a client that waits a second for an answer. */
function storeOf(env: SimEnv, node: SimNode<Line>): QueueStore<string> {
  const { clock } = env.runtime;
  const remote = env.remote(node);
  const patient = <A extends unknown[], T>(call: (...args: A) => Promise<T>): ((...args: A) => Promise<T>) => {
    return (...args) =>
      new Promise((resolve, reject) => {
        const timer = clock.setTimer(1_000, () => {
          reject(new Error('no answer'));
        });
        call(...args)
          .then(resolve, reject)
          .finally(() => {
            timer.cancel();
          });
      });
  };
  return {
    caps: { ...caps, shared: true },
    dead: new MemoryQueueStore<string>({ runtime: env.runtime }).dead,
    // A queue asks once: the client goes on until it is connected.
    async open() {
      while (
        await patient(() => remote.open())().then(
          () => false,
          () => true,
        )
      )
        await clock.sleep(100);
    },
    put: patient((jobs, room) => remote.put(jobs, room)),
    pull: patient((max, leaseMs) => remote.pull(max, leaseMs)),
    extend: patient((leases, leaseMs) => remote.extend(leases, leaseMs)),
    settle: patient((outcomes) => remote.settle(outcomes)),
    cancel: patient((taken) => remote.cancel(taken)),
    counts: patient(() => remote.counts()),
    close: patient(() => remote.close()),
    wake: (onWake) => {
      env.onMessage(onWake);
      return () => {
        env.onMessage(() => undefined);
      };
    },
  };
}
