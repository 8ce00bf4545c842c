import { HoldfastError } from '../core/errors.ts';
import { func, having, invalid, number, readOptions } from '../core/options.ts';
import { HashRing } from './hash-ring.ts';
import type { Hasher } from './hasher.ts';
import { Maglev, type MaglevOptions } from './maglev.ts';
import type { Placement, PlacementJSON, PlacementNode } from './placement.ts';
import { Rendezvous, type RendezvousOptions } from './rendezvous.ts';
import type { HashRingOptions } from './ring-options.ts';
import { SlotTable, type SlotTableOptions } from './slot-table.ts';
import { checkSnapshot, hasherOf, longestText } from './snapshot.ts';
import { xxh64 } from './xxh64.ts';

/** Options of {@link placementFromJSON}. */
export interface FromJSONOptions<N extends PlacementNode> {
  /**
   * The hasher that the placement was made with; its name must be the one in the data. Not asked where the data says
   * `compat: 'envoy'` or `'ketama'`.
   *
   * @defaultValue `xxh64`
   */
  readonly hasher?: Hasher;
  /**
   * Makes your node of the plain one, with the same `id`, `weight` and `zone`: looks up its address, say.
   *
   * @defaultValue the plain node
   */
  readonly revive?: (node: PlacementNode) => N;
  /**
   * The most nodes to accept, from 0 to 100,000.
   *
   * @defaultValue 10000
   */
  readonly maxNodes?: number;
}

/**
 * The placement that `toJSON` described, of the same class, with the same answers and the same fingerprint.
 *
 * Promises: the data may come from anywhere. Anything but what `toJSON` gives is refused, whole (the order of the nodes
 * alone may be another): an unknown version, algorithm, option or field, something nested deeper, a text above 16 Mi
 * characters, more nodes than `maxNodes`, an id or a zone above 1,024 characters, a hasher's name above 100; a placement
 * that has such does not come back. No prototype is changed, no part of the data is kept, and none is called but the
 * getters and traps of an object that has some. What it may cost is bounded by `maxNodes` and by the caps of the options,
 * not by the size of the data: some seconds at worst, for 10,000 nodes.
 *
 * Complexity: O(data), and that of building the placement.
 *
 * @param json - what `toJSON` gave, or its text
 * @param options - hasher and reviver
 * @throws {@link HoldfastError} `INVALID_OPTION`; what `revive` throws
 * @example
 * ```ts
 * import { HashRing, placementFromJSON } from 'holdfast/hashing';
 *
 * const ring = new HashRing(['a', 'b', { id: 'c', weight: 2 }], { seed: 7n });
 * const there = placementFromJSON(JSON.stringify(ring));
 * there instanceof HashRing // => true
 * there.fingerprint === ring.fingerprint // => true
 * ```
 */
export function placementFromJSON<N extends PlacementNode = PlacementNode>(
  json: unknown,
  options?: FromJSONOptions<N>,
): Placement<N> {
  const {
    hasher = xxh64,
    revive,
    maxNodes = 10_000,
  } = readOptions('placementFromJSON', options, {
    hasher: having<Hasher>('a Hasher', 'hash'),
    revive: func<(node: PlacementNode) => N>(),
    maxNodes: number({ min: 0, max: 100_000, integer: true }),
  });
  const data = checkSnapshot(typeof json === 'string' ? parsed(json) : json, maxNodes);
  const nodes = data.nodes.map((node) => revived(node, revive));
  const placement = built<N>(data, nodes, hasher);
  const { version, options: all } = placement.toJSON();
  if (version !== data.version) throw invalid('version', String(version), data.version);
  // A default that is not spelled out could be another one tomorrow.
  for (const name of Object.keys(all))
    if (data.options[name] !== all[name]) throw invalid(name, 'given', data.options[name]);
  return placement;
}

function built<N extends PlacementNode>(data: PlacementJSON, nodes: readonly N[], hasher: Hasher): Placement<N> {
  const options: unknown = { ...data.options, ...hasherOf(data, hasher) };
  switch (data.algorithm) {
    case 'rendezvous':
      return new Rendezvous(nodes, options as RendezvousOptions);
    case 'ring':
      return new HashRing(nodes, options as HashRingOptions);
    case 'maglev':
      return new Maglev(nodes, options as MaglevOptions);
    case 'slots':
      return new SlotTable(nodes, options as SlotTableOptions);
    default:
      throw invalid('algorithm', '"rendezvous", "ring", "maglev" or "slots"', data.algorithm);
  }
}

function parsed(text: string): unknown {
  if (text.length > longestText) throw invalid('json', `at most ${String(longestText)} characters`, text.length);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HoldfastError('INVALID_OPTION', 'json must be the text of a placement', { cause });
  }
}

/** The reviver may add to a node, not make another of it: answers must be those of the data. */
function revived<N extends PlacementNode>(plain: PlacementNode, revive?: (node: PlacementNode) => N): N {
  if (revive === undefined) return plain as N;
  const node = revive(plain) as N | null | undefined;
  const { id, weight = 1, zone } = (node ?? {}) as Partial<PlacementNode>;
  if (node && id === plain.id && weight === (plain.weight ?? 1) && zone === plain.zone) return node;
  throw invalid('what revive returns', 'a node with the id, weight and zone of the plain one', node);
}
