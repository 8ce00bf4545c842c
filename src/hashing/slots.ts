import type { PlacementNode } from './placement.ts';
import type { Settings } from './settings.ts';
import { beats, type WeightClass, weightClasses, winner } from './weight-classes.ts';

/** @internal What rendezvous sees of each slot: a hash. The same for any membership. */
export interface SlotHashes {
  readonly lows: Uint32Array;
  readonly highs: Uint32Array;
}

/** @internal Slots under one membership. Never changed. */
export interface Slots<N> extends SlotHashes {
  readonly classes: readonly WeightClass<N>[];
  /** By slot. */
  readonly owners: readonly (N | undefined)[];
  /** By slot, the score of its owner. */
  readonly scores: Float64Array;
}

/** @internal The hashes of all slots, under a seed that neither keys nor nodes have. */
export function slotHashes(slots: number, { hasher, low, high }: Settings): SlotHashes {
  const lows = new Uint32Array(slots);
  const highs = new Uint32Array(slots);
  const number = new Uint8Array(2);
  const hash = new Uint32Array(2);
  for (let slot = 0; slot < slots; slot++) {
    number[0] = slot & 255;
    number[1] = slot >>> 8;
    hasher.hash(number, low, ~high >>> 0, hash);
    lows[slot] = hash[0]!;
    highs[slot] = hash[1]!;
  }
  return { lows, highs };
}

/** @internal The owners of all slots. */
export function slotsOf<N extends PlacementNode>(
  nodes: ReadonlyMap<string, N>,
  hashes: SlotHashes,
  settings: Settings,
): Slots<N> {
  const nobody = { ...hashes, classes: [], owners: [], scores: new Float64Array(hashes.lows.length) };
  return slotsAfter(nobody, nodes, () => undefined, settings);
}

/**
 * @internal The owners of all slots after a change of members. A slot whose owner stayed compares it with those who came;
 * one whose owner went or changed its weight asks everybody.
 *
 * @param kept - the node as it is now, if its weight is as before
 */
export function slotsAfter<N extends PlacementNode>(
  before: Slots<N>,
  nodes: ReadonlyMap<string, N>,
  kept: (node: N) => N | undefined,
  settings: Settings,
): Slots<N> {
  const { lows, highs } = before;
  const classes = weightClasses(nodes.values(), settings);
  const stayed = new Set<string>();
  for (const { nodes: members } of before.classes)
    for (const node of members) if (kept(node) !== undefined) stayed.add(node.id);
  const came = weightClasses(
    [...nodes.values()].filter(({ id }) => !stayed.has(id)),
    settings,
  );
  const owners: (N | undefined)[] = [];
  const scores = new Float64Array(lows.length);
  const score = new Float64Array(1);
  for (let slot = 0; slot < lows.length; slot++) {
    const was = before.owners[slot];
    const stays = was === undefined ? undefined : kept(was);
    const best = winner(stays === undefined ? classes : came, lows[slot]!, highs[slot]!, score);
    const stayedScore = before.scores[slot]!;
    if (stays !== undefined && (best === undefined || beats(stays, stayedScore, best, score[0]!))) {
      owners.push(stays);
      scores[slot] = stayedScore;
    } else {
      owners.push(best);
      scores[slot] = score[0]!;
    }
  }
  return { lows, highs, classes, owners, scores };
}
