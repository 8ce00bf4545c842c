import type { PlacementNode } from '../hashing/index.ts';
import type { HotKeys } from './hot-keys.ts';
import { keyOf } from './key-text.ts';
import type { NodeLoads } from './node-loads.ts';
import type { Settings } from './options.ts';
import type { Placements } from './placements.ts';
import { without } from './router-events.ts';
import type { KeyHeat, ShardRouterSnapshot } from './snapshot.ts';

/** @internal The snapshot of a router at `nowMs`, when all was looked at. */
export function snapshotOf<N extends PlacementNode>(
  settings: Settings,
  placements: Placements<N>,
  keys: HotKeys<N>,
  loads: NodeLoads,
  nowMs: number,
): ShardRouterSnapshot {
  const hot = new Map(keys.hotNodes().map((node) => [node.id, node.keys.map(({ key }) => key)]));
  const { nodeFactor, targetRate } = settings;
  return {
    placement: placements.current.fingerprint,
    formerPlacements: placements.former,
    keys: Array.from(keys.keys, (text) => keyHeat(text, settings, keys)),
    nodes: loads.of(placements.current, nodeFactor, targetRate, nowMs).map(({ id, rate }) => {
      return { id, inFlight: loads.inFlight(id), rate, hot: hot.has(id), keys: hot.get(id) ?? [] };
    }),
  };
}

function keyHeat<N extends PlacementNode>(text: string, { detector }: Settings, keys: HotKeys<N>): KeyHeat {
  const key = keyOf(text);
  const { reason, sinceMs } = keys.heat(text);
  const { rate, lower, upper } = detector.estimate(key);
  const live = keys.live(key);
  const ids = (nodes: readonly N[]): string[] => nodes.map(({ id }) => id);
  return {
    key,
    replicas: live.length,
    reason,
    sinceMs,
    nodes: ids(live),
    retiring: ids(without(keys.reached(key), live)),
    rate,
    lower,
    upper,
  };
}
