/*
 * What is hashed and placed, the same in every run.
 */
import { randomFrom } from './statistics.ts';

const ascii = 'abcdefghijklmnopqrstuvwxyz0123456789:-';

/** Distinct keys, flat: not the ropes that concatenation makes. */
export function keysOf(count: number, length: number, alphabet = ascii): readonly string[] {
  const random = randomFrom(length);
  const draw = (): string => alphabet[Math.floor(random() * alphabet.length)]!;
  const keys = new Set<string>();
  while (keys.size < count) keys.add(Buffer.from(Array.from({ length }, draw).join('')).toString());
  return [...keys];
}

/** Ids of nodes. Another fleet has other ids. */
export function nodesOf(size: number, fleet = 0): string[] {
  return Array.from({ length: size }, (_, i) => `node-${String(fleet)}-${String(i)}`);
}
