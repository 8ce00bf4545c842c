/** A source of chance: each call returns a number in [0, 1), uniform. `Math.random` is one. */
export type Random = () => number;

/** The platform's `Math.random`, looked up at each call so that a test may replace it. Not for secrets. */
export const systemRandom: Random = () => Math.random();
