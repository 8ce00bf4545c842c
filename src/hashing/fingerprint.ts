import type { Hasher } from './hasher.ts';
import { type PlacementNode, weightOf } from './placement.ts';
import { xxh64 } from './xxh64.ts';

/**
 * @internal 64 bits, in hexadecimal, over all that a placement's answers depend on. Always by XXH64, whatever hashes the
 * keys; the nodes come in the order of their ids.
 */
export function fingerprintOf(
  algorithm: string,
  algorithmVersion: number,
  hasher: Hasher,
  seed: bigint,
  nodes: ReadonlyMap<string, PlacementNode>,
): string {
  const text = JSON.stringify([
    algorithm,
    algorithmVersion,
    hasher.name,
    String(seed),
    [...nodes.values()].map((node) => [node.id, weightOf(node), node.zone ?? null]),
  ]);
  const digest = new Uint32Array(2);
  xxh64.hash(text, 0, 0, digest);
  return [1, 0].map((half) => digest[half]!.toString(16).padStart(8, '0')).join('');
}
