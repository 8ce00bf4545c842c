/** @internal A node as the table is built from it. */
export interface MaglevEntry {
  /** Where its order of preference begins: below the size of the table. */
  readonly offset: number;
  /** The step of that order: from 1 to the size of the table less 1. */
  readonly skip: number;
  /** Above 0. */
  readonly weight: number;
}

/**
 * @internal The table: for each place the number of an entry. In turns each entry takes the first free place of its order; an
 * entry whose weight is a third of the greatest has every third turn, as in Envoy (`maglev_lb.cc`).
 *
 * O(size × log size) on average. `size` must be prime, so that each order visits every place.
 */
export function maglevTable(entries: readonly MaglevEntry[], size: number): Int32Array {
  const table = new Int32Array(size).fill(-1);
  if (entries.length === 0) return table;
  const total = entries.reduce((sum, { weight }) => sum + weight, 0);
  const shares = entries.map(({ weight }) => weight / total);
  const greatest = shares.reduce((max, share) => (share > max ? share : max), 0);
  const targets = new Float64Array(entries.length);
  const places = Uint32Array.from(entries, ({ offset }) => offset);
  // Who has a place to take in which turn: asking each entry in each turn takes too long with weights far apart.
  const turns = new Map<number, number[]>([[1, entries.map((_, i) => i)]]);
  let filled = 0;
  for (let turn = 1; filled < size; turn++) {
    for (const i of (turns.get(turn) ?? []).sort((a, b) => a - b)) {
      if (filled === size) break;
      targets[i]! += greatest;
      takePlace(table, places, i, entries[i]!.skip);
      filled++;
      // No turn is later than the size, for the heaviest fills a place in each.
      if (targets[i]! > shares[i]! * (size + 1)) continue;
      const next = turnFor(targets[i]!, shares[i]!, turn + 1);
      const others = turns.get(next);
      if (others === undefined) turns.set(next, [i]);
      else others.push(i);
    }
    turns.delete(turn);
  }
  return table;
}

function takePlace(table: Int32Array, places: Uint32Array, entry: number, skip: number): void {
  let place = places[entry]!;
  while (table[place]! >= 0) place = (place + skip) % table.length;
  table[place] = entry;
  places[entry] = (place + skip) % table.length;
}

/** The first turn from `least` on for which `turn × share >= target`, in the arithmetic of doubles. */
function turnFor(target: number, share: number, least: number): number {
  let turn = Math.max(least, Math.ceil(target / share));
  while (turn > least && (turn - 1) * share >= target) turn--;
  while (turn * share < target) turn++;
  return turn;
}

/** @internal Whether a whole number from 2 to 2^31 is prime. */
export function isPrime(value: number): boolean {
  for (let divisor = 2; divisor * divisor <= value; divisor++) if (value % divisor === 0) return false;
  return value > 1;
}

/** @internal A 64-bit hash modulo a number up to 2^26, exact: no intermediate result reaches 2^53. */
export function remainder(low: number, high: number, modulus: number): number {
  const upper = high % modulus;
  const value = upper * (0x1_0000_0000 % modulus) + low;
  // A division and a product are several times faster than `%` on doubles. The quotient is never rounded up to a whole number:
  // it is 1 / modulus below one at least, and that is more than half a unit in its last place.
  return value - Math.floor(value / modulus) * modulus;
}
