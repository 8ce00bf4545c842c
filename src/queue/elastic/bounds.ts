import { either, invalid, number, object, readOptions, type Rule } from '../../core/options.ts';

/** Between how many workers a pool may be. */
export interface WorkerBounds {
  /**
   * The fewest, a whole number, 0 too: then the first job after a rest waits for a worker to start.
   *
   * @defaultValue 1
   */
  readonly min?: number | undefined;
  /**
   * The most, a whole number, 1 or more.
   *
   * @defaultValue what the pool suggests, but not below `min`
   */
  readonly max?: number | undefined;
}

/** @internal Bounds, complete. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

const fixedRule = number({ min: 1, max: 1_000_000, integer: true });
const objectRule: Rule<object> = { ...object(), expected: '{ min, max }' };
const eitherRule = either(objectRule, fixedRule);
const minRule = number({ min: 0, max: 1_000_000, integer: true });

/** @internal The bounds, checked and complete; a number is both of them. */
export function boundsFrom(workers: number | WorkerBounds | undefined, suggestedMax: number): Bounds {
  if (typeof workers === 'number' && fixedRule.accepts(workers)) return { min: workers, max: workers };
  if (workers !== undefined && !objectRule.accepts(workers)) throw invalid('workers', eitherRule.expected, workers);
  const { min = 1, max = Math.max(min, suggestedMax) } = readOptions('workers', workers, {
    min: minRule,
    max: fixedRule,
  });
  if (min > max) throw invalid('min', `an integer <= max (${String(max)})`, min);
  return { min, max };
}
