/*
 * Where more workers do not finish more jobs, because what they call is saturated: how many are enough. A climb of the
 * throughput, as a function of what is known at a moment.
 */

/** @internal What is known at a look. */
export interface PlateauSignals {
  readonly nowMs: number;
  /** How many jobs have ended, ever. */
  readonly settled: number;
  /** Whether the limit is what holds the pool back: all workers are busy, and more are wanted. */
  readonly saturated: boolean;
  readonly coldStartMs: number;
  readonly min: number;
  readonly max: number;
}

/** @internal What the guard remembers: plain data. */
export interface PlateauState {
  /** No more workers than this. */
  limit: number;
  /** The limit that was the best so far, and the jobs a millisecond that it gave. */
  good: { limit: number; rate: number } | undefined;
  /** For so many epochs nothing is tried. */
  hold: number;
  /** Since when there is work for all that the limit allows, and how many had ended then; undefined when there is not. */
  epoch: { stage: 'settling' | 'measuring'; sinceMs: number; settled: number } | undefined;
}

/** The first limit: small enough for what saturates early, and six steps from 64. */
const firstLimit = 4;
const step = 1.5;
/** A step must bring this part of what it would bring if nothing were saturated. */
const worthIt = 0.5;
/** What the limit gives may fall so far before fewer are tried. */
const fallen = 0.75;
const epochMs = 1_000;
/** An epoch ends with so many jobs, or with so many for each worker where that is less. */
const epochJobs = 100;
const epochJobsEach = 4;
const holdEpochs = 5;

/** @internal A guard that has seen nothing. */
export function plateauState(min: number): PlateauState {
  return { limit: Math.max(min, firstLimit), good: undefined, hold: 0, epoch: undefined };
}

/**
 * @internal The limit from now on. The state is brought up to the moment; there is no clock and no chance.
 *
 * While the limit holds the pool back, epoch by epoch (a second, and a hundred jobs or four for each worker): a step up by
 * half, kept when it brings at least half of what it promises, taken back otherwise, and then five epochs without another.
 * When the limit brings a quarter less than it did, a step down is tried first, and kept when it costs less than half of
 * what it seems to.
 */
export function plateau(signals: PlateauSignals, state: PlateauState): number {
  const { nowMs, settled, saturated, coldStartMs, min, max } = signals;
  state.limit = within(state.limit, min, max);
  if (!saturated) {
    state.epoch = undefined;
    return state.limit;
  }
  state.epoch ??= { stage: 'settling', sinceMs: nowMs, settled };
  const { stage, sinceMs, settled: before } = state.epoch;
  const jobs = settled - before;
  if (stage === 'settling') {
    // The workers of the last step have to start, and the jobs of the time before to end.
    if (nowMs - sinceMs >= coldStartMs && jobs >= state.limit)
      state.epoch = { stage: 'measuring', sinceMs: nowMs, settled };
  } else if (nowMs - sinceMs >= epochMs && jobs >= Math.min(epochJobs, epochJobsEach * state.limit)) {
    state.epoch = { stage: 'settling', sinceMs: nowMs, settled };
    state.limit = within(nextLimit(jobs / (nowMs - sinceMs), state), min, max);
  }
  return state.limit;
}

/** After an epoch that gave `rate`. */
function nextLimit(rate: number, state: PlateauState): number {
  const { limit, good } = state;
  if (good !== undefined && good.limit !== limit) {
    const gain = rate / good.rate - 1;
    const promised = limit / good.limit - 1;
    // Up: the gain is large enough; down: the loss is small enough.
    if (gain >= worthIt * promised) return climbed(rate, state, limit > good.limit);
    state.hold = holdEpochs;
    return good.limit;
  }
  const lost = good !== undefined && rate < fallen * good.rate;
  state.good = { limit, rate };
  if (state.hold > 0 && !lost) {
    state.hold--;
    return limit;
  }
  return lost ? down(limit) : up(limit);
}

function climbed(rate: number, state: PlateauState, upwards: boolean): number {
  state.good = { limit: state.limit, rate };
  return upwards ? up(state.limit) : down(state.limit);
}

const up = (limit: number): number => Math.ceil(limit * step);
const down = (limit: number): number => Math.max(1, Math.floor(limit / step));

function within(limit: number, min: number, max: number): number {
  return Math.max(min, 1, Math.min(limit, max));
}
