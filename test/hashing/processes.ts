/** What every process has to answer alike. Asked of the sources in `processes.test.ts`, of the tarball in `test/package`. */
import { HashRing, jumpHash, Maglev, type Placement, Rendezvous, sipHash13, SlotTable, xxh64 } from 'holdfast/hashing';
import { digest } from './support.ts';

const seed = 0xfedc_ba98_7654_3210n;
const sipKey = [1, 0xffff_ffff, 3, 4] as const;
const hasher = sipHash13(sipKey);

const hostile = ['__proto__', 'constructor', '', 'a', 'a#1', '#1', 'é', 'e\u0301', '😀'];
const names = [...hostile, ...Array.from({ length: 10 }, (_, i) => `node-${String(i)}`)];
const weights = [1, 2, 0.5, 0, 1e-3, 3, 1, 0.25, 10];
const zones = ['east', 'west', undefined];
const nodes = names.map((id, i) => {
  const zone = zones[i % zones.length];
  return { id, weight: weights[i % weights.length]!, ...(zone !== undefined && { zone }) };
});

/** One of every kind, weighted; each under a seed where it takes one, some under SipHash. */
const placements: readonly Placement<{ readonly id: string }>[] = [
  new Rendezvous(names),
  new Rendezvous(nodes, { seed }),
  new Rendezvous(nodes, { seed, hasher }),
  new HashRing(nodes),
  new HashRing(nodes, { seed, vnodes: 40 }),
  new HashRing(nodes, { seed, hasher, vnodes: 40 }),
  new HashRing(nodes, { compat: 'envoy', minRingSize: 300, maxRingSize: 3000 }),
  new HashRing(nodes, { compat: 'ketama' }),
  new Maglev(nodes, { tableSize: 2411 }),
  new Maglev(nodes, { tableSize: 2411, seed, hasher }),
  new SlotTable(nodes),
  new SlotTable(nodes, { seed, slots: 16_384 }),
  new SlotTable(nodes, { seed, hasher, compat: 'redis' }),
];

/** Short and long, ASCII and not, without a UTF-8 form, beyond the room of the hash's module, bytes that are no text. */
const keys: readonly (string | readonly number[])[] = [
  ...['', 'é', 'e\u0301', '\ud800', 'a\udfffb', '😀', '{tag}x', '{}x', '\0', 'x'.repeat(23), 'é'.repeat(40_000)],
  ...[[], [0], [0xff, 0xfe], [0x7b, 0xff, 0x7d, 1], Array.from({ length: 66_000 }, (_, i) => (i * 31) & 255)],
  ...Array.from({ length: 484 }, (_, i) => `user:${String(i)}:profile`),
];
const plain = keys.map((key) => (typeof key === 'string' ? key : Uint8Array.from(key)));
const hashes = Array.from({ length: 100 }, (_, i) => (BigInt(i) * 0x9e37_79b9_7f4a_7c15n) % 2n ** 64n);

/** On the standard input of `test/package/consumers/placed.*`; the placements as JSON. */
export const question: string = JSON.stringify({
  seed: String(seed),
  sipKey,
  placements: placements.map((placement) => JSON.stringify(placement)),
  keys,
  hashes: hashes.map(String),
});

const ids = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);
const halves = (value: bigint): number[] => [Number(value & 0xffff_ffffn), Number(value >> 32n)];

/** What has to come, as the placements say that the JSON was made of. */
export const answers: object = {
  placements: placements.map((placement) => ({
    fingerprint: placement.fingerprint,
    owners: plain.map((key) => placement.get(key)!.id),
    lists: plain.slice(0, 40).map((key) => ids(placement.getN(key, 20))),
    spread: plain.slice(0, 40).map((key) => ids(placement.getN(key, 4, { spread: 'zone' }))),
    ownership: [...placement.ownership()],
  })),
  jump: [...plain.map((key) => jumpHash(key, 1000, { seed })), ...hashes.map((hash) => jumpHash(hash, 1000))],
  digests: [xxh64, hasher].map((one) => plain.map((key) => halves(digest(one.hash.bind(one), key, seed)))),
};

/** How a process is started and what it says of itself. */
export interface Start {
  readonly flags: readonly string[];
  readonly program: 'placed.mjs' | 'placed.cjs';
  readonly thread: 'main' | 'worker';
  /** What it says that it is. */
  readonly self: { readonly format: string; readonly thread: string; readonly webAssembly: boolean };
}

/** ESM and CommonJS, in the main thread and in a worker, with and without WebAssembly. */
export const starts: readonly Start[] = (['placed.mjs', 'placed.cjs'] as const).flatMap((program) =>
  (['main', 'worker'] as const).flatMap((thread) =>
    [[], ['--jitless']].map((flags) => {
      const format = program === 'placed.mjs' ? 'ESM' : 'CommonJS';
      return { flags, program, thread, self: { format, thread, webAssembly: flags.length === 0 } };
    }),
  ),
);

/** Flags under which `test/package/consumers/allocation.mjs` can count. */
export const countingFlags: readonly string[] = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/** The lookups that took memory, of what `allocation.mjs` printed: the least object has 16 bytes; below one is the noise. */
export function allocating(printed: string): [lookup: string, bytes: number][] {
  const bytes = Object.entries(JSON.parse(printed) as Record<string, number>);
  if (bytes.length === 0) throw new Error('nothing was measured');
  return bytes.filter(([, each]) => each >= 1);
}
