/*
 * The score of a key on a node, from the two 64-bit hashes.
 *
 * Both hashes are good, but their combination must be good as well: the scores of one key on many nodes have to look
 * independent. A linear combination (CRC, xor alone) gives shares that are fractions of two. So the halves are joined by
 * xor and then stirred as 64 bits by a Feistel network whose round function is a multiply and two shifts. Keys and nodes
 * are hashed under different seeds; a key that reads like a node's id is not special on that node.
 */

const multiplierA = 0x85ebca6b;
const multiplierB = 0xc2b2ae35;

/** @internal A 53-bit score in [0, 2^53), as an exact double. */
export function score53(keyLow: number, keyHigh: number, nodeLow: number, nodeHigh: number): number {
  let low = keyLow ^ nodeLow;
  let high = keyHigh ^ nodeHigh;
  high ^= stir(low, multiplierA);
  low ^= stir(high, multiplierB);
  high ^= stir(low, multiplierA);
  low ^= stir(high, multiplierB);
  return (high >>> 0) * 2_097_152 + (low >>> 11);
}

function stir(half: number, multiplier: number): number {
  const product = Math.imul(half ^ (half >>> 16), multiplier);
  return Math.imul(product ^ (product >>> 13), 0x27d4eb2f) ^ (product >>> 15);
}
