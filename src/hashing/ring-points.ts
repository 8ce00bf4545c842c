/*
 * The points of a ring in the order of their positions, and an index that finds a position without searching.
 *
 * Positions spread evenly, for they are hashes. So a table over equal intervals, about as many as there are points, leads
 * to within a step or two of any position; and the same intervals sort the points in linear time.
 */

/** @internal Points in any order: a position of 53 bits, the number of the owner, and 11 more bits where they count. */
export interface LoosePoints {
  readonly positions: Float64Array;
  readonly owners: Uint32Array;
  readonly tails?: Uint16Array | undefined;
}

/**
 * @internal Points in order: by position, then by tail, then by owner. After the last one the arrays have another, at
 * Infinity, of the first one's owner: a walk ends there, and is around the end.
 */
export interface RingPoints extends LoosePoints {
  /** How many points there are, the one at Infinity not counted. */
  readonly length: number;
  /** For each interval the first point that lies in it or beyond. */
  readonly index: Uint32Array;
  /** The interval of a position is its upper half shifted by so much. */
  readonly shift: number;
}

/** @internal One more than the greatest position. */
export const circumference: number = 2 ** 53;

const upperHalf = 2 ** 21;

/** @internal The position of a 64-bit hash. */
export function positionOf(low: number, high: number): number {
  return high * upperHalf + (low >>> 11);
}

/** @internal The first point at or after a hash, maybe the one at Infinity. O(1) expected. */
export function successor(points: RingPoints, low: number, high: number): number {
  const { positions, tails } = points;
  const position = positionOf(low, high);
  let at = points.index[high >>> points.shift]!;
  // Hardly any walk takes more than two steps; these are taken without a branch, for it would often be guessed wrong.
  at += Number(positions[at]! < position);
  at += Number(positions[at]! < position);
  while (positions[at]! < position) at++;
  if (tails !== undefined) {
    const tail = low & 2047;
    while (positions[at] === position && tails[at]! < tail) at++;
  }
  return at;
}

/** @internal Sorts points. O(n) expected for positions that are spread evenly. */
export function sorted(points: LoosePoints): RingPoints {
  const { positions, owners, tails } = points;
  const shift = shiftFor(positions.length);
  const starts = new Uint32Array(2 ** (32 - shift) + 1);
  for (const position of positions) starts[intervalOf(position, shift) + 1]!++;
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;

  // To its interval first, then by insertion, which has little left to do.
  const order = new Uint32Array(positions.length);
  for (let i = 0; i < positions.length; i++) order[starts[intervalOf(positions[i]!, shift)]!++] = i;
  for (let i = 1; i < order.length; i++) {
    const point = order[i]!;
    let at = i;
    while (at > 0 && comesBefore(points, point, order[at - 1]!)) {
      order[at] = order[at - 1]!;
      at--;
    }
    order[at] = point;
  }
  return indexed({
    positions: Float64Array.from(order, (i) => positions[i]!),
    owners: Uint32Array.from(order, (i) => owners[i]!),
    tails: tails && Uint16Array.from(order, (i) => tails[i]!),
  });
}

function comesBefore({ positions, owners, tails }: LoosePoints, a: number, b: number): boolean {
  if (positions[a] !== positions[b]) return positions[a]! < positions[b]!;
  if (tails !== undefined && tails[a] !== tails[b]) return tails[a]! < tails[b]!;
  return owners[a]! < owners[b]!;
}

/**
 * @internal The points of a ring after a change of members, without sorting again: O(n).
 *
 * @param before - the points before
 * @param renumbered - for each owner before, its number after; -1 for one whose points go
 * @param fresh - points that come, by the numbers after
 * @param length - how many points there are after
 */
export function merged(before: RingPoints, renumbered: Int32Array, fresh: RingPoints, length: number): RingPoints {
  const { positions: was, owners: wasOwners } = before;
  const { positions: coming, owners: comingOwners } = fresh;
  const positions = new Float64Array(length);
  const owners = new Uint32Array(length);
  let to = 0;
  let next = 0;
  for (let i = 0; i < before.length; i++) {
    const owner = renumbered[wasOwners[i]!]!;
    if (owner < 0) continue;
    const position = was[i]!;
    while (coming[next]! < position || (coming[next] === position && comingOwners[next]! < owner)) {
      positions[to] = coming[next]!;
      owners[to++] = comingOwners[next++]!;
    }
    positions[to] = position;
    owners[to++] = owner;
  }
  positions.set(coming.subarray(next, fresh.length), to);
  owners.set(comingOwners.subarray(next, fresh.length), to);
  return indexed({ positions, owners });
}

/** Finds the intervals of points in order. */
function indexed(points: LoosePoints): RingPoints {
  const { length } = points.positions;
  const shift = shiftFor(length);
  const index = new Uint32Array(2 ** (32 - shift));
  const scale = 2 ** (32 - shift) / circumference;
  let interval = 0;
  for (let i = 0; i < length; i++) {
    const upTo = Math.trunc(points.positions[i]! * scale);
    while (interval <= upTo) index[interval++] = i;
  }
  index.fill(length, interval);
  const positions = new Float64Array(length + 1).fill(Infinity);
  positions.set(points.positions);
  const owners = new Uint32Array(length + 1);
  owners.set(points.owners);
  owners[length] = owners[0]!;
  return { length, positions, owners, tails: points.tails, index, shift };
}

function intervalOf(position: number, shift: number): number {
  return Math.trunc((position * 2 ** (32 - shift)) / circumference);
}

/** From 0.75 to 1.5 intervals a point: a power of two, so that a shift finds the interval. */
function shiftFor(points: number): number {
  return Math.min(31, Math.clz32(Math.floor(points * 0.75)));
}
