import { invalid, number, oneOf, readOptions } from '../../core/options.ts';

/** How the number of workers follows the work. See {@link decide} for the formula that they are the constants of. */
export interface ElasticOptions {
  /**
   * How often the number is decided while there is work, in milliseconds, 1 or more; in between only when a job finds no idle
   * worker.
   *
   * @defaultValue 250
   */
  readonly tickMs?: number | undefined;
  /**
   * D: within how many milliseconds a backlog should be gone, 1 or more. Less: shorter waits, more workers started.
   *
   * @defaultValue 1000
   */
  readonly drainMs?: number | undefined;
  /**
   * ρ: which share of the workers the arrivals may keep busy, above 0, at most 1. It decides for small pools; for large
   * ones `headroom` does.
   *
   * @defaultValue 0.8
   */
  readonly utilisation?: number | undefined;
  /**
   * β: how many standard deviations of the load are kept free, 0 to 10.
   *
   * @defaultValue 1
   */
  readonly headroom?: number | undefined;
  /**
   * W: a worker goes when none of the numbers wanted within so many milliseconds needed it; `tickMs` or more. It is at least
   * twenty cold starts, as these are measured. Longer: fewer starts, more idle workers.
   *
   * @defaultValue 10000
   */
  readonly windowMs?: number | undefined;
  /**
   * k: a worker is started only when those that there are would need so many cold starts for the backlog, 0 to 100. With 0
   * any backlog is reason enough.
   *
   * @defaultValue 1
   */
  readonly coldStarts?: number | undefined;
  /**
   * No worker is added while the event loop runs later than so many milliseconds, 1 or more, where the workers share it.
   *
   * @defaultValue 50
   */
  readonly maxLagMs?: number | undefined;
  /**
   * `plateau`: tries step by step whether more workers finish more jobs, and stays with fewer where they do not: for work
   * that ends at a database or a service that saturates. Where nothing does, the pool grows more slowly.
   *
   * @defaultValue none
   */
  readonly guard?: 'plateau' | undefined;
}

/** The constants of the elastic law, complete: {@link ElasticOptions} with their defaults. */
export interface ElasticLaw {
  /** See {@link ElasticOptions.tickMs}. */
  readonly tickMs: number;
  /** See {@link ElasticOptions.drainMs}. */
  readonly drainMs: number;
  /** See {@link ElasticOptions.utilisation}. */
  readonly utilisation: number;
  /** See {@link ElasticOptions.headroom}. */
  readonly headroom: number;
  /** See {@link ElasticOptions.windowMs}. */
  readonly windowMs: number;
  /** See {@link ElasticOptions.coldStarts}. */
  readonly coldStarts: number;
  /** See {@link ElasticOptions.maxLagMs}. */
  readonly maxLagMs: number;
  /** See {@link ElasticOptions.guard}. */
  readonly guard: 'plateau' | undefined;
}

const lengthRule = number({ min: 1 });

/** @internal The options, checked and complete. */
export function lawFrom(options: ElasticOptions | undefined): ElasticLaw {
  const values = readOptions('elastic', options, {
    tickMs: lengthRule,
    drainMs: lengthRule,
    utilisation: {
      ...number({ max: 1 }),
      expected: 'a number above 0, at most 1',
      accepts: (value) => typeof value === 'number' && value > 0 && value <= 1,
    },
    headroom: number({ min: 0, max: 10 }),
    windowMs: lengthRule,
    coldStarts: number({ min: 0, max: 100 }),
    maxLagMs: lengthRule,
    guard: oneOf('plateau'),
  });
  const {
    tickMs = 250,
    drainMs = 1_000,
    utilisation = 0.8,
    headroom = 1,
    coldStarts = 1,
    maxLagMs = 50,
    guard,
  } = values;
  const { windowMs = Math.max(10_000, tickMs) } = values;
  if (windowMs < tickMs) throw invalid('windowMs', `a finite number >= tickMs (${String(tickMs)})`, windowMs);
  return { tickMs, drainMs, utilisation, headroom, windowMs, coldStarts, maxLagMs, guard };
}
