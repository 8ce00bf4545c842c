/** A source of chance: each call returns a number in [0, 1), uniform. `Math.random` is one. */
export type Random = () => number;

/** The platform's `Math.random`, looked up at each call so that a test may replace it. Not for secrets. */
export const systemRandom: Random = () => Math.random();

/** @internal A name that nobody else draws, in this process or another: 128 bits that the platform keeps apart. */
export function systemUnique(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
