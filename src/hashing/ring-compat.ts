import { isBytes } from '../core/bytes.ts';
import type { Hasher } from './hasher.ts';
import { notAKey } from './key.ts';
import { md5 } from './md5.ts';
import { weightOf } from './membership.ts';
import { type LoosePoints, positionOf, type RingPoints, sorted } from './ring-points.ts';
import { checkCount, type Member, type RingScheme, roomFor } from './ring-scheme.ts';
import { settingsOf } from './settings.ts';
import { xxh64 } from './xxh64.ts';

/**
 * @internal Envoy's ring hash (`ring_hash_lb.cc`): points at XXH64 of `id_0`, `id_1`, …, ordered by all 64 bits.
 *
 * The counts follow from the weights as shares of their sum: so many in all that the lightest node has a whole number of
 * points, and running sums where the others have not. Envoy takes the hosts in the order of its configuration, this in
 * the order of ids; that matters only where a count is not whole.
 */
export function envoyScheme(minRingSize: number, maxRingSize: number): RingScheme {
  const hash = new Uint32Array(2);
  return {
    settings: settingsOf({ hasher: xxh64 }),
    options: { compat: 'envoy', minRingSize, maxRingSize },
    pointsOf(members) {
      const shares = sharesOf(members);
      const least = shares.reduce((min, share) => (share > 0 && share < min ? share : min), 1);
      const scale = Math.min(Math.ceil(least * minRingSize) / least, maxRingSize);
      const counts: number[] = [];
      let count = 0;
      let target = 0;
      for (const share of shares) {
        const before = count;
        target += scale * share;
        while (count < target) count++;
        counts.push(count - before);
      }
      // Of sums that are rounded, so maybe one above the scale, which is within bounds.
      const points = roomFor(count);
      const tails = new Uint16Array(count);
      fill(points, members, counts, ({ node }, i, at) => {
        xxh64.hash(`${node.id}_${String(i)}`, 0, 0, hash);
        points.positions[at] = positionOf(hash[0]!, hash[1]!);
        tails[at] = hash[0]! & 2047;
      });
      return sorted({ ...points, tails });
    },
  };
}

/**
 * @internal libketama, and libmemcached with weighted ketama: four points from each MD5 of `id-0`, `id-1`, …, 32 bits
 * each; 160 points a node on average. Their arithmetic is in single precision, and so it is here.
 */
export function ketamaScheme(): RingScheme {
  return { settings: settingsOf({ hasher: ketamaHasher }), options: { compat: 'ketama' }, pointsOf: ketamaPoints };
}

function ketamaPoints(members: readonly Member[]): RingPoints {
  const shares = sharesOf(members);
  const living = members.filter(({ node }) => weightOf(node) > 0).length;
  const counts = shares.map((share) => 4 * Math.floor(Math.fround(Math.fround(share) * 40 * living)));
  const points = roomFor(checkCount(counts.reduce((sum, count) => sum + count, 0)));
  let digest = new Uint32Array(4);
  fill(points, members, counts, ({ node }, i, at) => {
    if (i % 4 === 0) digest = md5(`${node.id}-${String(i / 4)}`) as typeof digest;
    points.positions[at] = positionOf(0, digest[i % 4]!);
  });
  return sorted(points);
}

/** The first 32 bits of MD5, as ketama places keys. */
const ketamaHasher: Hasher = {
  name: 'md5',
  hash(key, _seedLow, _seedHigh, out) {
    if (typeof key !== 'string' && !isBytes(key)) throw notAKey(key);
    out[0] = 0;
    out[1] = md5(key)[0]!;
  },
};

function sharesOf(members: readonly Member[]): number[] {
  const total = members.reduce((sum, { node }) => sum + weightOf(node), 0);
  return members.map(({ node }) => (total === 0 ? 0 : weightOf(node) / total));
}

function fill(
  points: LoosePoints,
  members: readonly Member[],
  counts: readonly number[],
  place: (member: Member, i: number, at: number) => void,
): void {
  let at = 0;
  for (const [m, member] of members.entries()) {
    for (let i = 0; i < counts[m]!; i++, at++) {
      points.owners[at] = member.owner;
      place(member, i, at);
    }
  }
}
