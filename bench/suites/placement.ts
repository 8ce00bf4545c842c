import assert from 'node:assert/strict';
import ConsistentHash from 'consistent-hash';
import Hashring from 'hashring';
import jumphash from 'jumphash';
import { HashRing as Ketama } from 'ketama';
import type { Placement, PlacementNode } from '../../src/hashing/index.ts';
import { keysOf, nodesOf } from '../keys.ts';
import { type Case, contestant, type Holding, type MakeSuite } from '../vocabulary.ts';

const about = `One operation finds the owner of one of 4,096 keys of 20 bytes, which come in turn. What a lookup reads of a placement
then stays in the processor's caches; in the case "65,536 keys" it does not. Placements have their default options, but for
a \`Maglev\` of 1,000 nodes (131,071 places, for 100 a node are required).

- The row of the hash alone says what is left to gain: a lookup hashes the key first. The target 1.6 times its time is a
  ratio of 0.625, twice its time one of 0.5.
- \`hashring\` keeps answers in an LRU cache that cannot be switched off: with \`max cache size\` 0 the first \`get\` throws. So
  it has three rows: a cache of one entry, where every \`get\` misses and pays for the upkeep; \`find(hashValue(key))\`, which
  passes the cache by with a method that is not part of its API; and its default cache, in which all keys are.
- A cache hit hashes nothing here, for these key strings are old: the engine knows their hash and finds them by address. A
  key that comes with a request is a new string, and the engine has to hash and to compare it before any cache can hit. The
  case "a key cut out of a text" is that; its rows include the cutting.
- \`ketama\` has 50 points a node and SHA-1. \`consistent-hash\` has 40, at random, so that no two processes agree, and a hash
  of 24 bits in plain JavaScript. \`jumphash\` hashes with SHA-1 and computes with big numbers.
- "One node more" includes whatever the class rebuilds. \`add\` of \`hashring\` changes its ring, which is put back to 1,000
  nodes outside of the figure but for one assignment.
- Kept memory includes typed arrays and the ids, which are new strings for each placement.`;

const count = 4_096;
const mask = count - 1;

/** Finding the owner of a key. */
export const suite: MakeSuite = ({ hashing: { HashRing, jumpHash, Maglev, Rendezvous, SlotTable, xxh64 } }) => {
  const keys = keysOf(count, 20);
  const maglev = (nodes: readonly string[]): Placement<PlacementNode> =>
    new Maglev(nodes, nodes.length > 600 ? { tableSize: 131_071 } : {});
  const idOf = (node: PlacementNode | undefined): string | undefined => node?.id;

  const lookup = (size: number, hashAtLeast: number, rendezvousAtMost?: number): Case => {
    const nodes = nodesOf(size);
    const out = new Uint32Array(2);
    // Each is called at a place of its own: one place that sees several classes would be slower than any user's.
    const ring = new HashRing(nodes);
    const rendezvous = new Rendezvous(nodes);
    const table = maglev(nodes);
    const slots = new SlotTable(nodes);
    const missing = new Hashring(nodes, 'md5', { 'max cache size': 1 });
    const cached = new Hashring(nodes);
    const ketama = new Ketama(nodes);
    const random = new ConsistentHash();
    for (const node of nodes) random.add(node);
    return {
      name: `${size.toLocaleString('en-US')} nodes`,
      inputs: count,
      contestants: [
        contestant('holdfast HashRing.get', (i) => ring.get(keys[i & mask]!), {
          kind: 'ring',
          answer: idOf,
          target: { bytes: 0 },
        }),
        contestant(
          'holdfast xxh64.hash, the hash alone',
          (i) => {
            xxh64.hash(keys[i & mask]!, 0, 0, out);
            return out[0]! | 0;
          },
          { kind: 'hash', target: { bytes: 0, ratio: { atLeast: hashAtLeast } } },
        ),
        contestant('holdfast Rendezvous.get', (i) => rendezvous.get(keys[i & mask]!), {
          kind: 'rendezvous',
          answer: idOf,
          target: { bytes: 0, ...(rendezvousAtMost !== undefined && { ratio: { atMost: rendezvousAtMost } }) },
        }),
        contestant('holdfast Maglev.get', (i) => table.get(keys[i & mask]!), {
          kind: 'maglev',
          answer: idOf,
          target: { bytes: 0 },
        }),
        contestant('holdfast SlotTable.get', (i) => slots.get(keys[i & mask]!), {
          kind: 'slots',
          answer: idOf,
          target: { bytes: 0 },
        }),
        contestant('holdfast jumpHash', (i) => jumpHash(keys[i & mask]!, size), { kind: 'jump', target: { bytes: 0 } }),
        contestant('hashring get, every key misses', (i) => missing.get(keys[i & mask]!), {
          kind: 'hashring',
          target: { ratio: { atLeast: 40 } },
        }),
        contestant(
          'hashring find(hashValue), no cache',
          (i) => missing.ring[missing.find(missing.hashValue(keys[i & mask]!))]!.server,
          { kind: 'hashring', target: { ratio: { atLeast: 40 } } },
        ),
        contestant('hashring get, every key cached', (i) => cached.get(keys[i & mask]!), {
          kind: 'hashring',
          target: { ratio: { atLeast: 1.3 } },
        }),
        contestant('ketama getNode', (i) => ketama.getNode(keys[i & mask]!), { kind: 'ketama' }),
        contestant('consistent-hash get', (i) => random.get(keys[i & mask]!), { kind: 'consistent-hash' }),
        contestant('jumphash', (i) => jumphash(keys[i & mask]!, size), { kind: 'jumphash' }),
      ],
      verify: () => {
        for (const placement of [ring, rendezvous, table, slots])
          for (const key of keys) assert.equal(placement.get(key), placement.getN(key, 1)[0]);
      },
    };
  };

  const freshKey = (): Case => {
    const nodes = nodesOf(100);
    const text = keys.join('');
    const keyAt = (i: number): string => text.slice(20 * (i & mask), 20 * (i & mask) + 20);
    const ring = new HashRing(nodes);
    const cached = new Hashring(nodes);
    return {
      name: '100 nodes, a key cut out of a text',
      inputs: count,
      contestants: [
        contestant('holdfast HashRing.get', (i) => ring.get(keyAt(i)), { kind: 'ring', answer: idOf }),
        contestant('hashring get, every key cached', (i) => cached.get(keyAt(i)), {
          kind: 'hashring',
          target: { ratio: { atLeast: 1.3 } },
        }),
        contestant('the cutting alone', keyAt, { kind: 'cutting' }),
      ],
      verify: () => {
        for (const [i, key] of keys.entries()) assert.equal(keyAt(i), key);
      },
    };
  };

  /** What is read of a ring of 256,000 points does not fit into a cache of a megabyte any more. */
  const manyKeys = (): Case => {
    const many = keysOf(65_536, 20);
    const nodes = nodesOf(1_000);
    const out = new Uint32Array(2);
    const ring = new HashRing(nodes);
    const table = maglev(nodes);
    const slots = new SlotTable(nodes);
    const missing = new Hashring(nodes, 'md5', { 'max cache size': 1 });
    return {
      name: '1,000 nodes, 65,536 keys',
      inputs: many.length,
      contestants: [
        contestant('holdfast HashRing.get', (i) => ring.get(many[i & 65_535]!), { kind: 'ring', answer: idOf }),
        contestant(
          'holdfast xxh64.hash, the hash alone',
          (i) => {
            xxh64.hash(many[i & 65_535]!, 0, 0, out);
            return out[0]! | 0;
          },
          { kind: 'hash' },
        ),
        contestant('holdfast Maglev.get', (i) => table.get(many[i & 65_535]!), { kind: 'maglev', answer: idOf }),
        contestant('holdfast SlotTable.get', (i) => slots.get(many[i & 65_535]!), { kind: 'slots', answer: idOf }),
        contestant('hashring get, every key misses', (i) => missing.get(many[i & 65_535]!), { kind: 'hashring' }),
      ],
    };
  };

  /** The two rings have the same points, so their answers are compared. */
  const compatible = (): Case => {
    const nodes = nodesOf(100);
    const ring = new HashRing(nodes, { compat: 'ketama' });
    const missing = new Hashring(nodes, 'md5', { 'max cache size': 1 });
    return {
      name: '100 nodes, one ring: ketama',
      inputs: count,
      contestants: [
        contestant("holdfast HashRing.get, compat: 'ketama'", (i) => ring.get(keys[i & mask]!), { answer: idOf }),
        contestant('hashring get, every key misses', (i) => missing.get(keys[i & mask]!)),
      ],
    };
  };

  const oneMore = (): Case => {
    const nodes = nodesOf(1_000);
    const more = 'one-more';
    const ring = new HashRing(nodes);
    const rendezvous = new Rendezvous(nodes);
    const table = maglev(nodes);
    const slots = new SlotTable(nodes);
    const theirs = new Hashring(nodes);
    const { servers } = theirs;
    const answer = ({ size }: { readonly size: number }): number => size;
    return {
      name: '1,000 nodes, one node more',
      contestants: [
        contestant('holdfast HashRing.with', () => ring.with(more), { answer, target: { ns: 5e6 } }),
        contestant('holdfast Rendezvous.with', () => rendezvous.with(more), { answer }),
        contestant('holdfast Maglev.with', () => table.with(more), { answer }),
        contestant('holdfast SlotTable.with', () => slots.with(more), { answer }),
        contestant(
          'hashring add',
          () => {
            theirs.servers = servers;
            return theirs.add(more);
          },
          { answer: (ring) => ring.servers.length },
        ),
      ],
    };
  };

  const kept = (): Holding => ({
    name: 'a node of 1,000',
    items: 1,
    parts: 1_000,
    holders: [
      { name: 'holdfast HashRing', make: (i) => new HashRing(nodesOf(1_000, i)), target: 5 * 1024 },
      { name: 'holdfast Rendezvous', make: (i) => new Rendezvous(nodesOf(1_000, i)) },
      { name: 'holdfast Maglev', make: (i) => maglev(nodesOf(1_000, i)) },
      { name: 'holdfast SlotTable', make: (i) => new SlotTable(nodesOf(1_000, i)) },
      { name: 'hashring', make: (i) => new Hashring(nodesOf(1_000, i)) },
    ],
  });

  return {
    title: 'Finding the owner of a key',
    about,
    peers: ['hashring', 'ketama', 'consistent-hash', 'jumphash'],
    cases: [
      () => lookup(10, 1 / 1.6, 2),
      () => lookup(100, 1 / 1.6, 8),
      () => lookup(1_000, 1 / 2),
      manyKeys,
      freshKey,
      compatible,
      oneMore,
    ],
    holdings: [kept()],
  };
};
