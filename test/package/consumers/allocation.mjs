/*
 * Tells in JSON how many bytes of heap a lookup takes once the code is hot: the least of up to 40 rounds of 200,000 lookups,
 * all kinds in one process, as in a service. Started with `--expose-gc` and a young generation (`--min-semi-space-size=64
 * --max-semi-space-size=64`) that holds a round of boxed numbers, so that none is collected before it is counted.
 */
import { HashRing, jumpHash, Maglev, Rendezvous, sipHash13, SlotTable, xxh64 } from 'holdfast/hashing';

const ids = Array.from({ length: 20 }, (_, i) => `node-${i}`);
/** Four nodes of each of five weights. */
const weighted = ids.map((id, i) => ({ id, weight: (i % 5) + 0.5 }));
const hasher = sipHash13([1, 2, 3, 4]);
const digest = new Uint32Array(2);

const get = (placement) => (key) => placement.get(key);
const lookups = {
  xxh64: (key) => xxh64.hash(key, 1, 2, digest),
  sipHash13: (key) => hasher.hash(key, 1, 2, digest),
  jumpHash: (key) => jumpHash(key, 1000),
  HashRing: get(new HashRing(ids)),
  'HashRing, five weights': get(new HashRing(weighted)),
  'HashRing like Envoy': get(new HashRing(weighted, { compat: 'envoy' })),
  Maglev: get(new Maglev(ids)),
  'Maglev, five weights': get(new Maglev(weighted)),
  'Maglev by SipHash': get(new Maglev(weighted, { hasher })),
  SlotTable: get(new SlotTable(ids)),
  'SlotTable, five weights': get(new SlotTable(weighted, { slots: 16_384 })),
  'SlotTable by SipHash': get(new SlotTable(weighted, { hasher })),
  'HashRing by SipHash': get(new HashRing(ids, { hasher })),
  Rendezvous: get(new Rendezvous(ids)),
  'Rendezvous, five weights': get(new Rendezvous(weighted)),
  'Rendezvous, twenty weights': get(new Rendezvous(ids.map((id, i) => ({ id, weight: i + 0.5 })))),
  'Rendezvous by SipHash': get(new Rendezvous(weighted, { hasher })),
};

/** 20 bytes of ASCII each. */
const keys = Array.from({ length: 1000 }, (_, i) => `user:${String(i).padStart(7, '0')}:profile`);

function bytesPerLookup(lookup) {
  // Short, so that it is compiled as a function and stays so: a loop that is replaced while it runs is compiled in each round.
  const thousand = () => {
    for (const key of keys) lookup(key);
  };
  let least = Infinity;
  for (let round = 0; round < 40 && least >= 0.5; round++) {
    globalThis.gc();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 200; i++) thousand();
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / 200_000);
  }
  return least;
}

const bytes = Object.entries(lookups).map(([name, lookup]) => [name, bytesPerLookup(lookup)]);
process.stdout.write(JSON.stringify(Object.fromEntries(bytes)));
