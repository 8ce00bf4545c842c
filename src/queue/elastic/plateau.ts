/*
 * Where more workers do not finish more jobs, because what they call is saturated: how many are enough. A climb of the
 * throughput, as a function of what is known at a moment.
 */

/** @internal What is known at a look. */
export interface PlateauSignals {
  readonly nowMs: number;
  /** How many jobs have ended, ever. */
  readonly settled: number;
  /** Whether the limit is what holds the pool back: all workers that it allows are busy, and jobs wait. */
  readonly saturated: boolean;
  readonly coldStartMs: number;
  readonly min: number;
  readonly max: number;
}

type Direction = 'up' | 'down';

/** @internal What the guard remembers: plain data. */
export interface PlateauState {
  /** No more workers than this. */
  limit: number;
  /** The limit to compare with, the jobs a millisecond that it gave, and over how many epochs. */
  base: { readonly limit: number; readonly rate: number; readonly epochs: number } | undefined;
  /** Which way the next step goes. */
  direction: Direction;
  /** How far. */
  factor: number;
  /** For so many epochs nothing is tried. */
  hold: number;
  /** How long the next hold is. */
  patience: number;
  /** Since when there has been work for all that the limit allows, and how many jobs had ended then. */
  epoch: { readonly stage: 'settling' | 'measuring'; readonly sinceMs: number; readonly settled: number } | undefined;
}

const firstLimit = 8;
/** Twice as many each time until that fails once, then by half: as TCP's slow start. */
const firstFactor = 2;
const laterFactor = 1.5;
/**
 * How throughput must follow the number of workers, as the exponent of its growth: 1 where nothing is saturated, 0 where all
 * is. Fewer workers are worth less than fewer jobs done are lost, so a step down must cost less than a step up must bring.
 */
const exponent: Readonly<Record<Direction, number>> = { up: 1 / 2, down: 1 / 4 };
/** A limit that gives only this part of what it gave is looked at anew: fewer may do. */
const fallen = 2 / 3;
const epochMs = 1_000;
/**
 * An epoch has so many jobs. Their number varies by its root, a tenth: the difference of two epochs by a seventh, which is
 * a little more than half of the quarter that the verdict on a step up turns on.
 */
const epochJobs = 100;
const longestHold = 8;
/** The weight of the newest epoch of a limit never falls below this. */
const leastWeight = 0.25;

/** @internal A guard that has seen nothing. */
export function plateauState(): PlateauState {
  return {
    limit: firstLimit,
    base: undefined,
    direction: 'up',
    factor: firstFactor,
    hold: 0,
    patience: 1,
    epoch: undefined,
  };
}

/**
 * @internal The limit from now on. The state is brought up to the moment; there is no clock and no chance.
 *
 * While the limit holds the pool back, epoch by epoch, each of a second and a hundred jobs at least: a step, up first. One that is worth it is kept, and the next goes the same way. One that is not is taken back, the next goes the
 * other way, and only after 1, 2, 4, then always 8 epochs. So few steps are tried where the limit is right, and each
 * mistake of chance is mended by the next try.
 */
export function plateau(signals: PlateauSignals, state: PlateauState): number {
  const { nowMs, settled, saturated, coldStartMs, min, max } = signals;
  const within = (limit: number): number => Math.max(min, 1, Math.min(limit, max));
  state.limit = within(state.limit);
  if (!saturated) {
    state.epoch = undefined;
    return state.limit;
  }
  state.epoch ??= { stage: 'settling', sinceMs: nowMs, settled };
  const spanMs = nowMs - state.epoch.sinceMs;
  const jobs = settled - state.epoch.settled;
  if (state.epoch.stage === 'settling') {
    // The workers of the last step have to start, and the jobs from before it to end.
    if (spanMs >= coldStartMs && jobs >= state.limit) state.epoch = { stage: 'measuring', sinceMs: nowMs, settled };
  } else if (spanMs >= epochMs && jobs >= epochJobs) {
    const before = state.limit;
    state.limit = afterEpoch(jobs / spanMs, state, within);
    const stage = state.limit === before ? 'measuring' : 'settling';
    state.epoch = { stage, sinceMs: nowMs, settled };
  }
  return state.limit;
}

function afterEpoch(rate: number, state: PlateauState, within: (limit: number) => number): number {
  const { limit, base } = state;
  if (base !== undefined && base.limit !== limit) return afterStep(rate, base, state, within);
  const fell = base !== undefined && rate < fallen * base.rate;
  if (fell) {
    state.hold = 0;
    state.direction = 'down';
  }
  const epochs = base === undefined || fell ? 1 : base.epochs + 1;
  const known = base?.rate ?? rate;
  state.base = {
    limit,
    rate: epochs === 1 ? rate : known + (rate - known) * Math.max(1 / epochs, leastWeight),
    epochs,
  };
  if (state.hold > 0) {
    state.hold--;
    return limit;
  }
  return stepped(state, within);
}

/** The step was tried for an epoch: keep it, or go back. */
function afterStep(
  rate: number,
  base: NonNullable<PlateauState['base']>,
  state: PlateauState,
  within: (limit: number) => number,
): number {
  const proportional = state.limit / base.limit;
  if (rate / base.rate >= proportional ** exponent[state.direction]) {
    state.base = { limit: state.limit, rate, epochs: 1 };
    state.patience = 1;
    return stepped(state, within);
  }
  turn(state);
  state.factor = laterFactor;
  state.hold = state.patience;
  state.patience = Math.min(2 * state.patience, longestHold);
  return within(base.limit);
}

/** The limit of the next step; at a bound, a step away from it. */
function stepped(state: PlateauState, within: (limit: number) => number): number {
  const next = within(step(state));
  if (next !== state.limit) return next;
  turn(state);
  return within(step(state));
}

const step = ({ limit, direction, factor }: PlateauState): number =>
  direction === 'up' ? Math.ceil(limit * factor) : Math.floor(limit / factor);

function turn(state: PlateauState): void {
  state.direction = state.direction === 'up' ? 'down' : 'up';
}
