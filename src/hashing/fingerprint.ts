import { weightOf } from './membership.ts';
import type { PlacementJSON, PlacementNode } from './placement.ts';
import type { Settings } from './settings.ts';
import { xxh64 } from './xxh64.ts';

/** @internal What a placement is beside its settings and its nodes. */
export interface Identity {
  readonly algorithm: string;
  readonly version: number;
  readonly options: Readonly<Record<string, number | string>>;
}

/**
 * @internal 64 bits, in hexadecimal, over all that a placement's answers depend on. Always by XXH64, whatever hashes the
 * keys; the nodes come in the order of their ids.
 */
export function fingerprintOf(
  { algorithm, version, options }: Identity,
  { hasher, seed }: Settings,
  nodes: ReadonlyMap<string, PlacementNode>,
): string {
  const members = [...nodes.values()].map((node) => [node.id, weightOf(node), node.zone ?? null]);
  const own = Object.keys(options).length === 0 ? [] : [options];
  const text = JSON.stringify([algorithm, version, hasher.name, String(seed), members, ...own]);
  const digest = new Uint32Array(2);
  xxh64.hash(text, 0, 0, digest);
  return [1, 0].map((half) => digest[half]!.toString(16).padStart(8, '0')).join('');
}

/** @internal A placement as plain data. */
export function toJSONOf(
  { algorithm, version, options }: Identity,
  { hasher, seed }: Settings,
  nodes: ReadonlyMap<string, PlacementNode>,
): PlacementJSON {
  const plain = [...nodes.values()].map(({ id, weight, zone }) => ({
    id,
    ...(weight === undefined ? {} : { weight }),
    ...(zone === undefined ? {} : { zone }),
  }));
  return { algorithm, version, hasher: hasher.name, seed: String(seed), options: { ...options }, nodes: plain };
}
