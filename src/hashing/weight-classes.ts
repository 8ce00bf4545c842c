import { weightOf } from './membership.ts';
import { score53, scoreRest, scoreTop } from './mix.ts';
import { negativeLog53, negativeLogInto } from './negative-log.ts';
import type { PlacementNode } from './placement.ts';
import { hashId, type Settings } from './settings.ts';

/*
 * Rendezvous among nodes: each draws a number for a hash, the least cost −ln(draw) / weight wins.
 *
 * The order of preference is by cost, then by score, then by id. Cost falls as the score rises, so among nodes of one
 * weight the score alone gives the same order; that is what lets `winner` compare within a class without a logarithm and
 * still agree with `ranked`.
 */

/** @internal Nodes of one weight, in the order of their ids: among them the greatest score wins and no logarithm is needed. */
export interface WeightClass<N> {
  readonly weight: number;
  readonly nodes: readonly N[];
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;
}

/** A node as a candidate for one key. */
interface Candidate<N> {
  readonly node: N;
  readonly score: number;
  readonly cost: number;
}

/** So many are ranked without sorting the rest: as many as a hot key has replicas by default. */
const ranksAhead = 8;

/** @internal The nodes with weight, by weight. They come in the order of their ids. */
export function weightClasses<N extends PlacementNode>(
  nodes: Iterable<N>,
  settings: Settings,
): readonly WeightClass<N>[] {
  const byWeight = new Map<number, N[]>();
  for (const node of nodes) {
    const weight = weightOf(node);
    if (weight === 0) continue;
    const members = byWeight.get(weight);
    if (members === undefined) byWeight.set(weight, [node]);
    else members.push(node);
  }
  const hash = new Uint32Array(2);
  return [...byWeight].map(([weight, members]) => {
    const lows = new Uint32Array(members.length);
    const highs = new Uint32Array(members.length);
    for (const [i, { id }] of members.entries()) {
      hashId(settings, id, hash);
      lows[i] = hash[0]!;
      highs[i] = hash[1]!;
    }
    return { weight, nodes: members, lows, highs };
  });
}

/**
 * The score and the cost of the best so far, then of the one found last. In an array, for a double that a call takes or gives
 * is boxed wherever the engine does not inline that call, and it decides so anew in each process.
 */
const results: Float64Array = new Float64Array(4);
const latest: Float64Array = results.subarray(2);

/** @internal The best node for a hash; its score goes to `out`. O(n), no allocation. */
export function winner<N extends PlacementNode>(
  classes: readonly WeightClass<N>[],
  low: number,
  high: number,
  out: Float64Array = results,
): N | undefined {
  if (classes.length === 1) return classes[0]!.nodes[bestIn(classes[0]!, low, high, out)];
  let owner: N | undefined;
  for (const candidates of classes) {
    const node = candidates.nodes[bestIn(candidates, low, high, latest)]!;
    costInto(latest, candidates);
    if (owner !== undefined && !isLatestBefore(node, owner)) continue;
    owner = node;
    results[0] = latest[0]!;
    results[1] = latest[1]!;
  }
  out[0] = owner === undefined ? 0 : results[0]!;
  return owner;
}

/** {@link isBefore}, of what stands in `results`. */
function isLatestBefore(node: PlacementNode, owner: PlacementNode): boolean {
  if (latest[1] !== results[1]) return latest[1]! < results[1]!;
  if (latest[0] !== results[0]) return latest[0]! > results[0]!;
  return node.id < owner.id;
}

/** {@link costOf}, of the score in the first place to the second. */
function costInto(to: Float64Array, { weight }: WeightClass<unknown>): void {
  negativeLogInto(to);
  to[1] = (to[1]! * scale) / weight;
}

/** The number of the best node of a class; its score goes to `out`. */
function bestIn({ lows, highs }: WeightClass<unknown>, low: number, high: number, out: Float64Array): number {
  let best = 0;
  let bestTop = 0;
  let bestRest = -1;
  for (let i = 0; i < lows.length; i++) {
    const joined = low ^ lows[i]!;
    const top = scoreTop(joined, high ^ highs[i]!);
    if (top >>> 0 < bestTop) continue;
    const rest = scoreRest(joined, top);
    if (top >>> 0 === bestTop && rest <= bestRest) continue;
    best = i;
    bestTop = top >>> 0;
    bestRest = rest;
  }
  out[0] = bestTop * 2_097_152 + bestRest;
  return best;
}

/** @internal Whether a node with its score comes before another with its own. */
export function beats<N extends PlacementNode>(node: N, score: number, other: N, otherScore: number): boolean {
  const cost = costOf(score, weightOf(node));
  return isBefore(cost, score, node.id, costOf(otherScore, weightOf(other)), otherScore, other.id);
}

/** @internal All nodes with weight, the best first. O(n) for the first few, O(n log n) for all. */
export function ranked<N extends PlacementNode>(
  classes: readonly WeightClass<N>[],
  low: number,
  high: number,
): Iterable<N> {
  return { [Symbol.iterator]: () => walk(classes, low, high) };
}

function* walk<N extends PlacementNode>(
  classes: readonly WeightClass<N>[],
  low: number,
  high: number,
): Generator<N, void> {
  const ahead = leaders(classes, low, high, ranksAhead);
  yield* ahead;
  if (ahead.length < ranksAhead) return;
  const all = classes.flatMap(({ nodes, lows, highs, weight }) =>
    nodes.map((node, i): Candidate<N> => {
      const score = score53(low, high, lows[i]!, highs[i]!);
      return { node, score, cost: costOf(score, weight) };
    }),
  );
  all.sort((a, b) => (comesBefore(a, b) ? -1 : 1));
  for (const { node } of all.slice(ranksAhead)) yield node;
}

/** The first `count` of the order, by insertion into a list that never grows beyond. */
function leaders<N extends PlacementNode>(
  classes: readonly WeightClass<N>[],
  low: number,
  high: number,
  count: number,
): N[] {
  const list: Candidate<N>[] = [];
  for (const { nodes, lows, highs, weight } of classes) {
    // Whoever of this class scores no better than one that was refused is refused too, without a logarithm.
    let refused = -1;
    for (let i = 0; i < nodes.length; i++) {
      const score = score53(low, high, lows[i]!, highs[i]!);
      if (score <= refused) continue;
      const cost = classes.length === 1 ? 0 : costOf(score, weight);
      const candidate = { node: nodes[i]!, score, cost };
      let at = list.length;
      while (at > 0 && comesBefore(candidate, list[at - 1]!)) at--;
      if (at === count) {
        refused = score;
        continue;
      }
      for (let to = Math.min(list.length, count - 1); to > at; to--) list[to] = list[to - 1]!;
      list[at] = candidate;
    }
  }
  return list.map(({ node }) => node);
}

/** The least and the greatest cost that weights can ask for fit into a double with this: a power of two, so all stays exact. */
const scale = 2 ** -60;

function costOf(score: number, weight: number): number {
  return (negativeLog53(score) * scale) / weight;
}

function comesBefore<N extends PlacementNode>(a: Candidate<N>, b: Candidate<N>): boolean {
  return isBefore(a.cost, a.score, a.node.id, b.cost, b.score, b.node.id);
}

function isBefore(
  cost: number,
  score: number,
  id: string,
  otherCost: number,
  otherScore: number,
  otherId: string,
): boolean {
  if (cost !== otherCost) return cost < otherCost;
  if (score !== otherScore) return score > otherScore;
  return id < otherId;
}
