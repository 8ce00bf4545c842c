import { playHotSpot, zipf64 } from '../../test/sharding/hot-spot.ts';
import { keysOf, nodesOf } from '../keys.ts';
import { type Case, contestant, type Figure, type MakeSuite } from '../vocabulary.ts';

const about = `First what a read through \`ShardRouter\` costs beside the placement alone, no key being hot.

Then a hot spot, played on a virtual clock: 64 nodes, 10,000 keys, Zipf 1.1, 10,000 reads a second of which each takes 4 ms,
\`targetRate\` half of a node's average. Each seed places and draws anew; \`max/mean\` is the reads of the busiest node over
the average, measured over 20,000 reads after as many to warm up. Without heat every key is read from its owner. The last
row is a service without any hot key: 16 nodes, every key read alike. It is the simulation of
[test/sharding/hot-spot.ts](../../test/sharding/hot-spot.ts); nothing in it depends on the machine.`;

const count = 4_096;
const mask = count - 1;
const targetRate = 1e9;

/** Reads through the router. */
export const suite: MakeSuite = ({ hashing: { Rendezvous }, sharding: { ShardRouter }, testing }) => {
  const library = { Rendezvous, ShardRouter, ...testing };
  const keys = keysOf(count, 20);

  const routed = (size: number): Case => {
    const placement = new Rendezvous(nodesOf(size));
    const router = new ShardRouter(placement, { replication: { targetRate } });
    return {
      name: `a cold key among ${String(size)} nodes`,
      inputs: count,
      contestants: [
        contestant('holdfast ShardRouter.read', (i) => router.read(keys[i & mask]!)),
        contestant('holdfast ShardRouter.acquire and release', (i) => {
          const lease = router.acquire(keys[i & mask]!);
          lease.release();
          return lease.node;
        }),
        contestant('holdfast Rendezvous.get', (i) => placement.get(keys[i & mask]!)),
      ],
    };
  };

  const hotSpot = (seed: number): Figure => {
    const { without, withHeat, hotKeys, hotReplicas } = playHotSpot(library, { ...zipf64, seed });
    return {
      name: 'hot spot, max/mean',
      contestant: `seed ${String(seed)}`,
      value: `${without.toFixed(2)} without, ${withHeat.toFixed(2)} with heat: ${(without / withHeat).toFixed(1)}× lower, ${String(hotKeys)} hot keys on ${String(hotReplicas)} replicas`,
      target: '≥ 2× lower',
      met: without / withHeat >= 2,
    };
  };

  const noHotSpot = (seed: number): Figure => {
    const even = { ...zipf64, seed, nodes: 16, exponent: 0, replication: { targetRate: 1_000 } };
    const { without, withHeat } = playHotSpot(library, even);
    return {
      name: 'no hot key, max/mean',
      contestant: `seed ${String(seed)}`,
      value: `${without.toFixed(2)} without, ${withHeat.toFixed(2)} with heat`,
      target: 'never worse',
      met: withHeat <= without,
    };
  };

  return {
    title: 'Reading through a router that spreads hot keys',
    about,
    peers: [],
    cases: [routed(10), routed(100)],
    findings: (scale) => {
      const seeds = Array.from({ length: Math.max(1, Math.round(8 * scale)) }, (_, i) => i + 1);
      return { figures: [...seeds.map(hotSpot), ...seeds.map(noHotSpot)] };
    },
  };
};
