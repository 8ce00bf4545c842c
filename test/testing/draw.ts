import type { Random } from 'holdfast/core';

/** The next `n` numbers. */
export const draw = (random: Random, n: number): readonly number[] => Array.from({ length: n }, () => random());
