import { LoadBalancer, type LoadBalancerOptions } from 'holdfast/balancing';
import type { Clock, Random, Timer } from 'holdfast/core';
import { seededRandom } from 'holdfast/testing';

/** How a server answers a call that begins now: after how long, and whether well. `Infinity`: never. */
export type Behaviour = (now: number, random: Random) => { readonly ms: number; readonly ok: boolean };

export interface Scenario {
  readonly seed: number;
  readonly servers: Readonly<Record<string, Behaviour>>;
  /** Calls a second, evenly spaced but for a jitter. */
  readonly rps: number;
  readonly forMs: number;
  readonly deadlineMs?: number;
  /** How many calls a server works on at a time; the others wait. */
  readonly workers?: number;
  /** How many balancers share the load. */
  readonly clients?: number;
  readonly options?: LoadBalancerOptions<string>;
  readonly watch?: (balancer: LoadBalancer<string>, clock: Clock) => void;
}

export interface Sample {
  readonly id: string;
  readonly atMs: number;
  readonly ms: number;
  readonly ok: boolean;
}

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

/** A clock for a loop of events without promises: a hundred times as fast as one that lets every promise run. */
class EventClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  now(): number {
    return this.#nowMs;
  }

  wallNow(): number {
    return this.#nowMs;
  }

  sleep(): Promise<void> {
    throw new Error('nothing sleeps here');
  }

  setTimer(ms: number, fn: () => void): Timer {
    const entry: Entry = { dueMs: this.#nowMs + ms, order: this.#order++, fn };
    if (ms !== Infinity) this.#push(entry);
    return {
      cancel: () => {
        entry.fn = undefined;
      },
    };
  }

  run(untilMs: number): void {
    for (let top = this.#heap[0]; top !== undefined && top.dueMs <= untilMs; top = this.#heap[0]) {
      this.#pop();
      this.#nowMs = top.dueMs;
      top.fn?.();
    }
    this.#nowMs = untilMs;
  }

  #less(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a]!, this.#heap[b]!];
    return left.dueMs < right.dueMs || (left.dueMs === right.dueMs && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }

  #push(entry: Entry): void {
    let child = this.#heap.push(entry) - 1;
    for (let parent = (child - 1) >> 1; child > 0 && this.#less(child, parent); parent = (child - 1) >> 1) {
      this.#swap(child, parent);
      child = parent;
    }
  }

  #pop(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      if (left >= this.#heap.length) return;
      const least = left + 1 < this.#heap.length && this.#less(left + 1, left) ? left + 1 : left;
      if (!this.#less(least, parent)) return;
      this.#swap(least, parent);
      parent = least;
    }
  }
}

/** Runs a scenario to its end and gives every call that settled, in the order of settling. */
export function simulate(scenario: Scenario): readonly Sample[] {
  const { seed, servers, rps, forMs, deadlineMs = Infinity, workers = Infinity, clients = 1, options } = scenario;
  const chance = seededRandom(seed);
  const [arrivals, service] = [chance.stream('arrivals'), chance.stream('service')];
  const clock = new EventClock();
  const balancers = Array.from({ length: clients }, (_, client) => {
    const runtime = { clock, random: chance.stream(`client ${String(client)}`) };
    return new LoadBalancer(Object.keys(servers), { ...options, runtime });
  });
  const freeAt = new Map(
    Object.keys(servers).map((id) => [id, workers === Infinity ? [] : Array.from({ length: workers }, () => 0)]),
  );
  for (const balancer of balancers) scenario.watch?.(balancer, clock);
  const samples: Sample[] = [];

  const served = (id: string): { readonly ms: number; readonly ok: boolean } => {
    const { ms, ok } = servers[id]!(clock.now(), service);
    const free = freeAt.get(id)!;
    if (free.length === 0) return { ms, ok };
    const worker = free.indexOf(Math.min(...free));
    free[worker] = Math.max(clock.now(), free[worker]!) + ms;
    return { ms: free[worker] - clock.now(), ok };
  };
  const call = (): void => {
    const lease = balancers[Math.floor(arrivals() * clients)]!.pick();
    const atMs = clock.now();
    const { ms, ok } = served(lease.member);
    const good = ok && ms <= deadlineMs;
    clock.setTimer(Math.min(ms, deadlineMs), () => {
      lease.release(good ? 'ok' : 'failed');
      samples.push({ id: lease.member, atMs, ms: clock.now() - atMs, ok: good });
    });
  };
  const arrive = (): void => {
    if (clock.now() >= forMs) return;
    call();
    clock.setTimer((1_000 / rps) * (0.5 + arrivals()), arrive);
  };
  arrive();
  clock.run(forMs + Math.min(deadlineMs, 60_000));
  for (const balancer of balancers) balancer.close();
  return samples;
}

/** The share of samples for which something holds. */
export function shareOf(samples: readonly Sample[], holds: (sample: Sample) => boolean): number {
  return samples.filter(holds).length / samples.length;
}

export function quantile(samples: readonly Sample[], q: number): number {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

export function meanMs(samples: readonly Sample[]): number {
  return samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length;
}

/** About normally distributed: the sum of twelve draws. */
export function normal(random: Random, mean: number, deviation: number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return Math.max(0, mean + deviation * sum);
}

export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** Servers `s0`, `s1`, … that behave alike, but for some. */
export function servers(
  count: number,
  usual: Behaviour,
  unusual: Readonly<Record<number, Behaviour>> = {},
): Readonly<Record<string, Behaviour>> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`s${String(i)}`, unusual[i] ?? usual]));
}
