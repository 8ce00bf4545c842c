/** Each place of the library that takes a `Dyn`, fed by real live values in virtual time: the change takes effect. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LoadBalancer, replicate } from 'holdfast/balancing';
import { splitTraffic } from 'holdfast/calls';
import type { Live } from 'holdfast/core';
import { boundedLoad, HashRing, Maglev, type Placement, Rendezvous, SlotTable } from 'holdfast/hashing';
import { derive, live, probe } from 'holdfast/live';
import { Scaler, WorkQueue } from 'holdfast/queue';
import { elastic } from 'holdfast/queue/bullmq';
import { shard, ShardRouter } from 'holdfast/sharding';
import { faulty, isFault, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';

const setting = () => {
  const clock = new VirtualClock();
  return { clock, runtime: { clock, random: seededRandom(1) } };
};

/** A live value, loaded for the first time, and what makes it another. */
async function loaded<T>(first: T) {
  const { clock, runtime } = setting();
  let kept = first;
  const source = live(async () => kept, { everyMs: 1_000, jitter: 0, runtime });
  await clock.advance(0);
  const change = async (next: T): Promise<void> => {
    kept = next;
    await clock.advance(1_000);
    expect(source.current).toEqual(next);
  };
  return { clock, runtime, source, change };
}

/** Whether it is well is up to the test. */
async function probed() {
  const { clock, runtime } = setting();
  const state = { well: true };
  const up = probe(() => state.well, { everyMs: 1_000, jitter: 0, rise: 1, fall: 1, runtime });
  await clock.advance(0);
  const turn = async (well: boolean): Promise<void> => {
    state.well = well;
    await clock.advance(1_000);
  };
  return { clock, runtime, up, turn };
}

test('there are no other places', () => {
  const shown = [
    'balancing/load-balancer.ts',
    'balancing/membership.ts',
    'balancing/replicate.ts',
    'calls/placed-arms.ts',
    'calls/split-traffic.ts',
    'hashing/bounded-load.ts',
    'queue/elastic/scaler.ts',
    'queue/settings.ts',
    'queue/stores/bullmq/elastic.ts',
    'queue/work-queue.ts',
    'sharding/shard-router.ts',
    'testing/faulty.ts',
  ];
  const source = join(root, 'src');
  const found = files(source).filter((path) => readFileSync(join(source, path), 'utf8').includes('Dyn<'));
  expect(found.filter((path) => !path.startsWith('core/')).sort()).toEqual(shown);
});

describe('members of a balancer', () => {
  const members = (balancer: Pick<LoadBalancer<string>, 'stats'>): unknown =>
    balancer.stats().members.map(({ id }) => id);

  it('LoadBalancer', async () => {
    const { runtime, source, change } = await loaded(['a', 'b']);
    const balancer = new LoadBalancer<string>(source, { runtime });
    expect(members(balancer)).toEqual(['a', 'b']);
    await change(['c']);
    expect(await balancer.run((member) => member)).toBe('c');
    expect(members(balancer)).toEqual(['c']);
  });

  it('LoadBalancer.update', async () => {
    const { runtime, source, change } = await loaded(['a']);
    const balancer = new LoadBalancer<string>(['z'], { runtime });
    balancer.update(source);
    await change(['b']);
    expect(balancer.pick().member).toBe('b');
  });

  it('replicate', async () => {
    const { runtime, source, change } = await loaded(['a']);
    const call = replicate(source, (member: string) => async (request: string) => `${member}: ${request}`, { runtime });
    expect(await call('x')).toBe('a: x');
    await change(['b']);
    expect(await call('x')).toBe('b: x');
  });

  it('with the health of a probe: a member that is not well is none', async () => {
    const { runtime, up, turn } = await probed();
    const balancer = new LoadBalancer<string>(
      derive(up, (well) => (well ? ['here', 'there'] : ['there'])),
      { runtime },
    );
    expect(members(balancer)).toEqual(['here', 'there']);
    await turn(false);
    expect(balancer.pick().member).toBe('there');
    await turn(true);
    balancer.pick();
    expect(members(balancer)).toEqual(['here', 'there']);
  });
});

describe('weights of a split', () => {
  const armOf = (name: string) => (): Promise<string> => Promise.resolve(name);

  it('splitTraffic', async () => {
    const { source, change } = await loaded({ web: 1, experiment: 0 });
    const arms = { web: armOf('web'), experiment: armOf('experiment') };
    const front = splitTraffic(arms, {
      weights: source,
      salt: 'checkout',
      key: (request: string) => request,
    });
    expect(front.assign('ann')).toBe('web');
    await change({ web: 0, experiment: 1 });
    expect(front.assign('ann')).toBe('experiment');
    expect(await front('ann')).toBe('experiment');
  });

  it('with the health of a probe: an arm that is not well has no weight', async () => {
    const { up, turn } = await probed();
    const arms = { web: armOf('web'), experiment: armOf('experiment') };
    const weights = derive(up, (well) => ({ web: well ? 0 : 1, experiment: well ? 1 : 0 }));
    const front = splitTraffic(arms, { weights, salt: 'x', key: (name: string) => name });
    expect(front.assign('ann')).toBe('experiment');
    await turn(false);
    expect(front.assign('ann')).toBe('web');
  });
});

const replication = { targetRate: 1_000 };

describe.each<readonly [string, (nodes: readonly string[]) => Placement<{ readonly id: string }>]>([
  ['HashRing', (nodes) => new HashRing(nodes)],
  ['Rendezvous', (nodes) => new Rendezvous(nodes)],
  ['Maglev', (nodes) => new Maglev(nodes)],
  ['SlotTable', (nodes) => new SlotTable(nodes)],
])('nodes of a placement: %s', (_, make) => {
  it('boundedLoad', async () => {
    const { source, change } = await loaded(['a', 'b']);
    const bounded = boundedLoad(derive(source, make), { loadFactor: 1.25 });
    expect(['a', 'b']).toContain(bounded.acquire('key').node.id);
    await change(['c']);
    expect(bounded.acquire('key').node.id).toBe('c');
  });

  it('boundedLoad, update', async () => {
    const { source, change } = await loaded(['a']);
    const bounded = boundedLoad(make(['z']), { loadFactor: 1.25 });
    bounded.update(derive(source, make));
    await change(['b']);
    expect(bounded.acquire('key').node.id).toBe('b');
  });

  it('ShardRouter, and shard on it', async () => {
    const { runtime, source, change } = await loaded(['a', 'b']);
    const router = new ShardRouter(derive(source, make), { replication, runtime });
    const call = shard(router, {
      key: (key: string) => key,
      call:
        ({ id }) =>
        async () =>
          id,
    });
    expect(['a', 'b']).toContain(await call('key'));
    await change(['c']);
    expect(router.read('key').id).toBe('c');
    expect(await call('key')).toBe('c');
  });

  it('ShardRouter.update', async () => {
    const { runtime, source, change } = await loaded(['a']);
    const router = new ShardRouter(make(['z']), { replication, runtime });
    router.update(derive(source, make));
    await change(['b']);
    expect(router.read('key').id).toBe('b');
  });
});

describe('bounds of workers', () => {
  const host = (resized: number[]) => ({
    queued: () => 0,
    busy: () => 1,
    coldStartMs: () => 0,
    resize: ({ to }: { readonly to: number }) => void resized.push(to),
  });

  it('WorkQueue', async () => {
    const { clock, runtime, source, change } = await loaded({ min: 1, max: 1 });
    const queue = new WorkQueue(() => clock.sleep(100_000), { workers: source, runtime });
    for (let i = 0; i < 20; i++) await queue.add(i);
    await clock.advance(5_000);
    expect(queue.stats().active).toBe(1);
    await change({ min: 5, max: 5 });
    await clock.advance(5_000);
    expect(queue.stats().active).toBe(5);
    source.close();
    const closing = queue.close({ graceMs: 0 });
    await clock.advance(200_000);
    await closing;
  });

  it('WorkQueue.resize', async () => {
    const { clock, runtime, source, change } = await loaded(1);
    const queue = new WorkQueue(() => clock.sleep(100_000), { workers: 7, runtime });
    queue.resize(source);
    for (let i = 0; i < 20; i++) await queue.add(i);
    await change(3);
    await clock.advance(5_000);
    expect(queue.stats().active).toBe(3);
    source.close();
    const closing = queue.close({ graceMs: 0 });
    await clock.advance(200_000);
    await closing;
  });

  it('Scaler, and its follow', async () => {
    const { clock, runtime, source, change } = await loaded({ min: 2, max: 4 });
    const resized: number[] = [];
    const scaler = new Scaler(host(resized), { workers: source, runtime });
    expect(scaler.workers).toBe(2);
    scaler.onEnqueue(0);
    await change({ min: 6, max: 9 });
    await clock.advance(5_000);
    expect([scaler.workers, resized]).toEqual([6, [6]]);
    const other = await loaded<number | { min: number; max: number }>({ min: 7, max: 7 });
    scaler.follow(other.source);
    expect(scaler.workers).toBe(7);
    scaler.close();
  });

  it('elastic, for workers of BullMQ', async () => {
    const { clock, runtime, source, change } = await loaded({ min: 2, max: 4 });
    const worker = { concurrency: 1, getBackend: () => ({ getCounts: async () => [1, 0] }), on: () => 0, off: () => 0 };
    const scaling = elastic(worker, { workers: source, runtime });
    await clock.advance(1_000);
    expect(worker.concurrency).toBe(2);
    await change({ min: 6, max: 9 });
    await clock.advance(30_000);
    expect(worker.concurrency).toBe(6);
    scaling.close();
  });
});

describe('faults of a call', () => {
  it('faulty, and its update', async () => {
    const { runtime, source, change } = await loaded({ failRate: 0 });
    const call = faulty(async (value: number) => value, source, { runtime });
    expect(await call(1)).toBe(1);
    await change({ failRate: 1 });
    expect(await call(1).catch(isFault)).toBe(true);
    const well: Live<{ failRate: number }> = derive(source, () => ({ failRate: 0 }));
    call.update(well);
    expect(await call(2)).toBe(2);
  });
});

test('one configuration for all of it: what is read at one moment is of one version', async () => {
  const config = (version: number) => ({ version, nodes: [`n${String(version)}`], weights: { a: version, b: 1 } });
  const { runtime, source, change } = await loaded(config(1));
  const members = derive(source, ({ nodes }) => nodes);
  const balancer = new LoadBalancer<string>(members, { runtime });
  const ring = derive(source, ({ nodes }) => new HashRing(nodes));
  const weights = derive(source, (now) => now.weights);
  for (let version = 2; version < 20; version++) {
    await change(config(version));
    const name = `n${String(version)}`;
    expect([balancer.pick().member, ring.current.get('key')?.id, weights.current.a]).toEqual([name, name, version]);
  }
});

/** The TypeScript files below a folder, relative to it. */
function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));
}
