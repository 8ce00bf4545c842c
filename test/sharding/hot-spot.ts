import type * as hashing from '../../src/hashing/index.ts';
import type * as sharding from '../../src/sharding/index.ts';
import type * as testing from '../../src/testing/index.ts';

/** What is played with: the source in the tests, the built package in the benchmark. */
export type Library = Pick<typeof hashing, 'Rendezvous'> &
  Pick<typeof sharding, 'ShardRouter'> &
  Pick<typeof testing, 'seededRandom' | 'VirtualClock'>;

/** A service whose keys are read by Zipf's law. */
export interface HotSpot {
  readonly seed: number;
  readonly nodes: number;
  readonly keys: number;
  readonly exponent: number;
  /** Reads a second, for so many milliseconds, of which the first `warmUpMs` are not measured. */
  readonly readsPerSecond: number;
  readonly forMs: number;
  readonly warmUpMs: number;
  /** How long a read takes. */
  readonly serviceMs: number;
  readonly replication: sharding.ShardRouterOptions['replication'];
}

export interface HotSpotResult {
  readonly seed: number;
  /** The most loaded node's reads over the mean, every key being read from its owner. */
  readonly without: number;
  /** The same with the router. */
  readonly withHeat: number;
  /** Keys with more replicas than `base` in the end, and the replicas that these have in all. */
  readonly hotKeys: number;
  readonly hotReplicas: number;
}

/** 64 nodes, 10,000 keys, Zipf 1.1; a replica should serve half of what a node serves on average. */
export const zipf64: Omit<HotSpot, 'seed'> = {
  nodes: 64,
  keys: 10_000,
  exponent: 1.1,
  readsPerSecond: 10_000,
  forMs: 4_000,
  warmUpMs: 2_000,
  serviceMs: 4,
  replication: { targetRate: 10_000 / 64 / 2, max: 64 },
};

/** Plays one hot spot twice over the same reads, with heat and without. A function of its input. */
export function playHotSpot({ Rendezvous, ShardRouter, ...library }: Library, spot: HotSpot): HotSpotResult {
  let nowMs = 0;
  const clock = Object.assign(new library.VirtualClock(), { now: () => nowMs });
  const random = library.seededRandom(spot.seed);
  const nodes = Array.from({ length: spot.nodes }, (_, i) => `n${String(i)}`);
  // Another seed places the keys otherwise.
  const placement = new Rendezvous(nodes, { seed: BigInt(spot.seed) });
  const runtime = { clock, random: random.stream('choices') };
  const router = new ShardRouter(placement, { replication: spot.replication, runtime });
  const draw = zipf(spot.keys, spot.exponent, random.stream('keys'));
  const [without, withHeat] = [new Map<string, number>(), new Map<string, number>()];
  const busy: { readonly lease: hashing.Lease<hashing.PlacementNode>; readonly untilMs: number }[] = [];
  let ended = 0;
  const reads = (spot.readsPerSecond * spot.forMs) / 1_000;
  for (let i = 0; i < reads; i++) {
    nowMs = (i * 1_000) / spot.readsPerSecond;
    for (; ended < busy.length && busy[ended]!.untilMs <= nowMs; ended++) busy[ended]!.lease.release();
    const key = `document:${String(draw())}`;
    const lease = router.acquire(key);
    busy.push({ lease, untilMs: nowMs + spot.serviceMs });
    if (nowMs < spot.warmUpMs) continue;
    count(withHeat, lease.node.id);
    count(without, placement.get(key)!.id);
  }
  const { keys } = router.snapshot();
  return {
    seed: spot.seed,
    without: peak(without, spot.nodes),
    withHeat: peak(withHeat, spot.nodes),
    hotKeys: keys.length,
    hotReplicas: keys.reduce((sum, { replicas }) => sum + replicas, 0),
  };
}

/** The figures as lines of text. */
export function reportHotSpot(results: readonly HotSpotResult[]): string {
  const lines = results.map(({ seed, without, withHeat, hotKeys, hotReplicas }) => {
    const ratio = (without / withHeat).toFixed(1);
    const [off, on] = [without.toFixed(2), withHeat.toFixed(2)];
    return `seed ${String(seed)}: max/mean ${off} without, ${on} with heat (${ratio}x lower), ${String(hotKeys)} hot keys on ${String(hotReplicas)} replicas`;
  });
  return lines.join('\n');
}

/** Draws ranks 0, 1, … by Zipf's law, by inverting the sum of the weights. */
function zipf(keys: number, exponent: number, random: testing.SeededRandom): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let i = 0; i < keys; i++) sums[i] = sum += (i + 1) ** -exponent;
  return () => {
    const at = random() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

function count(counts: Map<string, number>, id: string): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}

function peak(counts: ReadonlyMap<string, number>, nodes: number): number {
  const all = [...counts.values()];
  return (Math.max(...all) * nodes) / all.reduce((sum, one) => sum + one, 0);
}
