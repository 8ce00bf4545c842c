import { either, number, type Rule } from '../core/options.ts';

/**
 * A straggler wait that narrows: `max` of the time that is left when the requirement is met, if all that are open then stay
 * open, down to `min` when only one is. Both are shares, 0 to 1.
 */
export interface StragglerRange {
  /** The share for the last one. */
  readonly min: number;
  /** The share for all that are open when the requirement is met. */
  readonly max: number;
}

/** @internal When a gather of which the requirement is met stops waiting for the rest. */
export interface Wait {
  /** What was left of the deadline when the requirement was met. */
  readonly leftMs: number;
  /** How many were open then. */
  readonly open: number;
  readonly untilMs: number;
}

const share = number({ min: 0, max: 1 });

const rangeRule: Rule<StragglerRange> = {
  expected: '{ min, max } of such, min <= max',
  accepts: (value) => {
    if (typeof value !== 'object' || value === null) return false;
    const { min, max } = value as Partial<StragglerRange>;
    return share.accepts(min) && share.accepts(max) && min! <= max!;
  },
};

/** @internal The `straggler` option. */
export const stragglerRule: Rule<number | StragglerRange> = either(share, rangeRule);

/** @internal The range that the option means. */
export function rangeOf(straggler: number | StragglerRange): StragglerRange {
  if (typeof straggler === 'number') return { min: straggler, max: straggler };
  return { min: straggler.min, max: straggler.max };
}

/**
 * @internal How long to wait for the `open` targets, from now. Each that settles narrows the share, on a line from `max` to
 * `min`; what was said before is never exceeded.
 *
 * Source: Vespa's adaptive timeout (`min-wait-after-coverage-factor`, `max-wait-after-coverage-factor`).
 */
export function waitFor(
  { min, max }: StragglerRange,
  open: number,
  nowMs: number,
  before: Wait | { readonly leftMs: number },
): Wait {
  const atMet = 'open' in before ? before.open : open;
  const part = atMet > 1 ? min + ((max - min) * (open - 1)) / (atMet - 1) : min;
  // Without a deadline any share of the time left is all of it, but for none.
  const untilMs = nowMs + (part === 0 ? 0 : part * before.leftMs);
  return {
    leftMs: before.leftMs,
    open: atMet,
    untilMs: 'untilMs' in before ? Math.min(before.untilMs, untilMs) : untilMs,
  };
}
