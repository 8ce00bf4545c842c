import type { PlacementNode } from '../hashing/index.ts';
import type { HotKeys } from './hot-keys.ts';
import { keyOf } from './key-text.ts';
import type { NodeLoads } from './node-loads.ts';
import type { Settings } from './options.ts';
import type { Placements } from './placements.ts';
import type { KeyHeat, NodeHeat, ShardRouterSnapshot } from './snapshot.ts';

/** What a router is made of. */
interface Parts<N extends PlacementNode> {
  readonly settings: Settings;
  readonly placements: Placements<N>;
  readonly keys: HotKeys<N>;
  readonly loads: NodeLoads;
}

/** @internal What a router knows, as plain data. */
export function snapshotOf<N extends PlacementNode>(parts: Parts<N>, nowMs: number): ShardRouterSnapshot {
  const { placements, keys } = parts;
  return {
    placement: placements.current.fingerprint,
    formerPlacements: placements.former,
    keys: [...keys.keys].map((text) => keyHeat(parts, text)),
    nodes: nodeHeats(parts, nowMs),
  };
}

function keyHeat<N extends PlacementNode>({ settings, placements, keys }: Parts<N>, text: string): KeyHeat {
  const key = keyOf(text);
  const { replicas, reached, reason, sinceMs } = keys.heat(text);
  const { rate, lower, upper } = settings.detector.estimate(key);
  const nodes = placements.first(key, Math.max(replicas, reached)).map(({ id }) => id);
  return {
    key,
    replicas: Math.min(replicas, nodes.length),
    reason,
    sinceMs,
    nodes: nodes.slice(0, replicas),
    retiring: nodes.slice(replicas),
    rate,
    lower,
    upper,
  };
}

function nodeHeats<N extends PlacementNode>(parts: Parts<N>, nowMs: number): NodeHeat[] {
  const { settings, placements, loads } = parts;
  const hot = new Map(parts.keys.hotNodes().map(({ id, keys }) => [id, keys.map(({ key }) => key)]));
  return loads.of(placements.current, settings.nodeFactor, settings.targetRate, nowMs).map(({ id, rate }) => {
    return { id, inFlight: loads.inFlight(id), rate, hot: hot.has(id), keys: hot.get(id) ?? [] };
  });
}
