/*
 * The score of a key on a node, from the two 64-bit hashes.
 *
 * Both hashes are good, but their combination must be good as well: the scores of one key on many nodes have to look
 * independent. A linear combination (CRC, xor alone) gives shares that are fractions of two. So the halves are joined by
 * xor and then stirred: the lower one is multiplied into the upper one and that finished by the finalizer of MurmurHash3,
 * which gives the upper 32 bits of the score; the lower bits come from the lower half and from what was found. Each step can
 * be undone, so scores are as even as the hashes. The upper bits alone decide all but one comparison in 2^32, and are all
 * that a search for the best node computes for the others.
 *
 * Keys and nodes are hashed under different seeds; a key that reads like a node's id is not special on that node.
 */

/** @internal The upper 32 bits of a score, as a signed integer, of the joined halves. */
export function scoreTop(low: number, high: number): number {
  let top = Math.imul(low, 0x9e3779b1) ^ high;
  top = Math.imul(top ^ (top >>> 16), 0x85ebca6b);
  top = Math.imul(top ^ (top >>> 13), 0xc2b2ae35);
  return top ^ (top >>> 16);
}

/** @internal The lower 21 bits of a score, to its upper 32. */
export function scoreRest(low: number, top: number): number {
  let rest = Math.imul(low ^ top, 0x27d4eb2f);
  rest = Math.imul(rest ^ (rest >>> 15), 0x85ebca6b);
  return (rest ^ (rest >>> 13)) >>> 11;
}

/** @internal A 53-bit score in [0, 2^53), as an exact double. */
export function score53(keyLow: number, keyHigh: number, nodeLow: number, nodeHigh: number): number {
  const low = keyLow ^ nodeLow;
  const top = scoreTop(low, keyHigh ^ nodeHigh);
  return (top >>> 0) * 2_097_152 + scoreRest(low, top);
}
