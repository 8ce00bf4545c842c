/*
 * How long nobody leads after a leader has crashed, and what candidates ask of the store meanwhile: the library in the simulator,
 * beside a model of the loop that client-go runs.
 */

import { Election, type LeaseStore, MemoryLeaseStore } from 'holdfast/election';
import { createSim, type Remote, seededRandom, type SimEnv, type SimNode } from 'holdfast/testing';

/** Of one algorithm and its lengths. */
export interface FailoverRow {
  readonly name: string;
  readonly crashes: number;
  /** From the crash to the next leader. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Calls to the store in a second, of one leader and a hundred followers. */
export interface RequestRow {
  readonly name: string;
  readonly leader: number;
  readonly followers: number;
}

interface Lengths {
  readonly ttlMs: number;
  readonly renewMs: number;
}

const lengths: readonly Lengths[] = [
  { ttlMs: 15_000, renewMs: 2_000 },
  { ttlMs: 6_000, renewMs: 1_500 },
  { ttlMs: 3_000, renewMs: 750 },
];
const crashesOfSeed = 100;
const nameOf = ({ ttlMs, renewMs }: Lengths): string =>
  `holdfast ${String(ttlMs / 1_000)}/${String(renewMs / 1_000)} s`;

/** When a store gives hints: never, when the lease changes hands, or with each write. */
type Hints = 'none' | 'hands' | 'writes';

/**
 * Fail-over with two followers and a store that gives hints when the lease changes hands.
 *
 * @param seeds - 100 crashes each, for each row
 */
export async function failover(seeds: readonly number[]): Promise<readonly FailoverRow[]> {
  const rows = [rowOf('client-go 15/10/2 s (model)', seeds.flatMap(clientGo))];
  for (const each of lengths) {
    const gaps: number[] = [];
    for (const seed of seeds) gaps.push(...(await crashes(seed, each)));
    rows.push(rowOf(`${nameOf(each)}, with watch`, gaps));
  }
  return rows;
}

/** Calls to the store in steady state, over ten virtual minutes. */
export async function requests(): Promise<readonly RequestRow[]> {
  const rows: RequestRow[] = [clientGoRequests()];
  const [each] = lengths;
  for (const hints of ['none', 'hands', 'writes'] as const) {
    const what = { none: 'without watch', hands: 'hints when it changes hands', writes: 'hints with each write' }[
      hints
    ];
    rows.push({ name: `${nameOf(each!)}, ${what}`, ...(await steady(each!, hints)) });
  }
  return rows;
}

function rowOf(name: string, gaps: readonly number[]): FailoverRow {
  const sorted = [...gaps].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.ceil(share * sorted.length) - 1]!);
  return { name, crashes: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

// client-go: leaderelection.go, with LeaseDuration 15 s, RetryPeriod 2 s, JitterFactor 1.2

const goLeaseMs = 15_000;
const goRetryMs = 2_000;
const goPollMs = (random: () => number): number => goRetryMs * (1 + 1.2 * random());

/** The leader renews every 2 s; each follower looks every 2 to 4.4 s, and waits 15 s from the look that showed the last renewal. */
function clientGo(seed: number): number[] {
  const random = seededRandom(seed).stream('client-go');
  const follower = (): number => {
    let lookMs = random() * goPollMs(random);
    const deadMs = lookMs + goLeaseMs;
    while (lookMs <= deadMs) lookMs += goPollMs(random);
    return lookMs;
  };
  return Array.from({ length: crashesOfSeed }, () => {
    // The last renewal was at 0.
    const crashMs = random() * goRetryMs;
    return Math.min(follower(), follower()) - crashMs;
  });
}

function clientGoRequests(): RequestRow {
  const everyMs = goRetryMs * (1 + 1.2 / 2);
  // A renewal is a GET and a PUT, but for the latest, which take the record as it was seen: one PUT.
  return { name: 'client-go 15/10/2 s (model)', leader: 1_000 / goRetryMs, followers: (100 * 1_000) / everyMs };
}

// holdfast, in the simulator

interface Cluster {
  readonly nodes: readonly SimNode<Election>[];
  readonly counts: Record<string, number>;
}

const wait = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

function cluster(
  sim: ReturnType<typeof createSim>,
  ids: readonly string[],
  { ttlMs, renewMs }: Lengths,
  hints: Hints,
  elected: (id: string) => void,
): Cluster {
  const counts: Record<string, number> = {};
  let kept: MemoryLeaseStore | undefined;
  const store = sim.node('store', ({ runtime, send }) => {
    const memory = (kept ??= new MemoryLeaseStore({ runtime }));
    const told = (changed: boolean): void => {
      if (hints === 'writes' || (hints === 'hands' && changed)) for (const id of ids) send(id, 'hint');
    };
    return {
      acquire: async (...args: Parameters<LeaseStore['acquire']>) => {
        const result = await memory.acquire(...args);
        if (result.granted) told(true);
        return result;
      },
      renew: async (...args: Parameters<LeaseStore['renew']>) => {
        const result = await memory.renew(...args);
        told(false);
        return result;
      },
      release: async (...args: Parameters<LeaseStore['release']>) => {
        const result = await memory.release(...args);
        told(true);
        return result;
      },
      read: (...args: Parameters<LeaseStore['read']>) => memory.read(...args),
    };
  });
  const nodes = ids.map((id) =>
    sim.node(id, (env) => {
      const seen = storeOf(env, env.remote(store), hints !== 'none', () => (counts[id] = (counts[id] ?? 0) + 1));
      const election = new Election(seen, { name: 'x', id, ttlMs, renewMs, runtime: env.runtime });
      election.on('elected', () => elected(id));
      void election.run((term) => wait(term.signal));
      return election;
    }),
  );
  return { nodes, counts };
}

type Calls = Pick<LeaseStore, 'acquire' | 'renew' | 'release' | 'read'>;

function storeOf(env: SimEnv, remote: Remote<Calls>, watched: boolean, count: () => void): LeaseStore {
  const store: LeaseStore = {
    expiry: 'server',
    durability: 'linearizable',
    limits: { minTtlMs: 1, stepMs: 1 },
    acquire: (...args) => (count(), remote.acquire(...args)),
    renew: (...args) => (count(), remote.renew(...args)),
    release: (...args) => (count(), remote.release(...args)),
    read: (...args) => (count(), remote.read(...args)),
  };
  return watched ? { ...store, watch: () => messages(env) } : store;
}

/** Something for each message, conflated; the first says that it listens. */
async function* messages(env: SimEnv): AsyncGenerator<undefined> {
  let [told, ring] = [true, (): void => undefined];
  env.onMessage(() => {
    told = true;
    ring();
  });
  for (;;) {
    if (!told) await new Promise<void>((resolve) => (ring = resolve));
    told = false;
    yield undefined;
  }
}

/** From each crash of the leader to the next leader. */
async function crashes(seed: number, each: Lengths): Promise<number[]> {
  const sim = createSim({ seed, clocks: { maxDrift: 0.0001, maxOffsetMs: 1e6 } });
  const random = sim.random('crashes');
  const gaps: number[] = [];
  let crash: { readonly atMs: number; readonly restart: () => void } | undefined;
  cluster(sim, ['a', 'b', 'c'], each, 'hands', (id) => {
    if (crash !== undefined) {
      gaps.push(sim.nowMs - crash.atMs);
      crash.restart();
      crash = undefined;
    }
    // Long enough for all to have seen the new leader, and at any moment between two renewals.
    sim.at(sim.nowMs + each.ttlMs / 2 + random() * 4 * each.renewMs, () => {
      crash = { atMs: sim.nowMs, restart: sim.crash(id) };
    });
  });
  await sim.run({ until: () => gaps.length === crashesOfSeed });
  return gaps;
}

async function steady(each: Lengths, hints: Hints): Promise<Omit<RequestRow, 'name'>> {
  const sim = createSim({ seed: 1, clocks: { maxDrift: 0.0001, maxOffsetMs: 1e6 } });
  const ids = Array.from({ length: 101 }, (_, i) => `node-${String(i)}`);
  let leader = '';
  const { counts } = cluster(sim, ids, each, hints, (id) => (leader = id));
  const [warmMs, seconds] = [60_000, 600];
  await sim.run({ untilMs: warmMs });
  for (const id of ids) counts[id] = 0;
  await sim.run({ untilMs: warmMs + seconds * 1_000 });
  const all = Object.values(counts).reduce((sum, n) => sum + n, 0);
  return { leader: counts[leader]! / seconds, followers: (all - counts[leader]!) / seconds };
}
