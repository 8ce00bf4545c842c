const number = (name: string, fallback: number): number => {
  const value = Number(process.env[name] ?? fallback);
  if (!Number.isInteger(value)) throw new TypeError(`${name} must be an integer, got ${String(process.env[name])}`);
  return value;
};

/** A mutant is tested thousands of times: with few runs. */
const mutating = process.env['STRYKER_MUTATOR_WORKER'] !== undefined;

/** Whether runs are so few that a property may miss some of its cases. */
export const isHasty: boolean = mutating;

/** Seed of every property test: fixed, so that a run can be repeated; FC_SEED overrides it. */
export const seed: number = number('FC_SEED', 20_260_101);

/** How many draws a statistic is made of, where `many` are usual: a mutant gets few, for it is tested by many statistics. */
export const draws = (many: number): number => (mutating ? Math.ceil(many / 20) : many);

/** The first seed of simulations that run many, one after the other; SIM_SEED overrides it. */
export const firstSeed: number = number('SIM_SEED', 1);

/** Runs of every property that does not set its own; FC_RUNS overrides it. */
export const numRuns: number = number('FC_RUNS', mutating ? 20 : 100);

/** Runs of a property that needs more or fewer than the others: `factor` times the usual number. */
export const runs = (factor: number): number =>
  Math.max(1, Math.min(Math.round(numRuns * factor), mutating ? 60 : Infinity));
