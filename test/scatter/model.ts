/*
 * What a gather comes to, predicted by a simulation of its own: timers by (time, creation), and between two of them a
 * first-in-first-out queue of what promises do, one turn for a settled promise and one more for a thenable's `then`.
 */
import type { LeafStatus } from 'holdfast/scatter';
import { type Act, actOf, type AttemptLog, type Note, type Script, valueOf } from '../support/serving.ts';

/** A requirement as data. `suffices` stands for a function, which need not stay true once it has been. */
export type Need =
  | 'all'
  | 'any'
  | number
  | { readonly coverage: number }
  | { readonly suffices: { readonly ok: number; readonly maxFailed: number } };

export interface Scenario {
  readonly leaves: readonly Script[];
  readonly need: Need;
  readonly deadlineMs: number;
  readonly reserveMs: number;
  readonly straggler: number | { readonly min: number; readonly max: number };
  readonly hedge: { readonly after: number; readonly extra: number } | undefined;
  readonly retry:
    { readonly attempts: number; readonly backoff: { readonly baseMs: number; readonly maxMs: number } } | undefined;
  /** How many attempts beyond the first of each target, in all. */
  readonly budget: number | undefined;
  readonly concurrency: number | undefined;
  /** When the caller aborts: never, in the turn of the call, or by a timer set before the call. */
  readonly abort: 'never' | 'at once' | number;
}

/** What the runtime's chance says each time. */
export const chance = 0.5;

export interface PredictedOutcome {
  readonly status: LeafStatus;
  readonly attempts: number;
  readonly ms: number;
  readonly value?: string;
  readonly cause?: AttemptLog['cause'];
  readonly errors?: readonly string[];
}

export interface Prediction {
  kind: 'pending' | 'resolved' | 'rejected' | 'aborted';
  settledMs: number;
  outcomes: readonly PredictedOutcome[];
  /** Of a rejection: messages of the first target's error, `'late'` when the deadline passed, `[]` when nothing failed. */
  cause: readonly string[] | 'late';
  attempts: AttemptLog[];
  discarded: { value: string; atMs: number }[];
}

interface Try {
  readonly name: string;
  readonly act: Act;
  readonly log: AttemptLog;
  settled: boolean;
  timer: Timed | undefined;
}

interface State {
  readonly index: number;
  readonly open: Set<Try>;
  readonly errors: Map<number, string>;
  tries: number;
  spare: number;
  retried: number;
  /** Until when a server has asked not to be asked. */
  notBeforeMs: number;
  final: string | undefined;
  startedMs: number;
  over: boolean;
  hedgeTimer: Timed | undefined;
  result: PredictedOutcome | undefined;
}

interface Timed {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What the caller aborts with. */
export const callersReason = new Error('the caller is gone');

/** The least number of answers, by trying. */
function needed(need: Exclude<Need, { suffices: unknown }>, total: number): number {
  if (need === 'all') return total;
  if (need === 'any') return 1;
  if (typeof need === 'number') return need;
  let count = 0;
  while (count / total < need.coverage) count++;
  return count;
}

class Simulation {
  nowMs = 0;
  readonly prediction: Prediction = {
    kind: 'pending',
    settledMs: Infinity,
    outcomes: [],
    cause: [],
    attempts: [],
    discarded: [],
  };
  readonly #scenario: Scenario;
  readonly #states: readonly State[];
  readonly #timers = new Set<Timed>();
  readonly #turns: (() => void)[] = [];
  #created = 0;
  #queue: State[] = [];
  #straggling: { readonly timer: Timed | undefined; readonly leftMs: number; readonly open: number } | undefined;
  #extras: number;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#extras = scenario.budget ?? Infinity;
    this.#states = scenario.leaves.map((_, index) => ({
      index,
      open: new Set(),
      errors: new Map(),
      tries: 0,
      spare: scenario.hedge?.extra ?? 0,
      retried: 0,
      notBeforeMs: 0,
      final: undefined,
      startedMs: 0,
      over: false,
      hedgeTimer: undefined,
      result: undefined,
    }));
  }

  run(): Prediction {
    const { abort } = this.#scenario;
    if (typeof abort === 'number') this.#timer(abort, () => this.#settle('aborted', 'cancelled'));
    this.#start();
    if (abort === 'at once') this.#settle('aborted', 'cancelled');
    for (;;) {
      for (let turn = this.#turns.shift(); turn !== undefined; turn = this.#turns.shift()) turn();
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) return this.prediction;
      this.#timers.delete(next);
      this.nowMs = next.atMs;
      next.run();
    }
  }

  #timer(ms: number, run: () => void): Timed | undefined {
    if (ms === Infinity) return undefined;
    const timer = { atMs: this.nowMs + ms, order: this.#created++, run };
    this.#timers.add(timer);
    return timer;
  }

  #cancel(timer: Timed | undefined): void {
    if (timer !== undefined) this.#timers.delete(timer);
  }

  get #endMs(): number {
    return this.#scenario.deadlineMs - this.#scenario.reserveMs;
  }

  #start(): void {
    if (this.#endMs <= 0) {
      this.#timeOver();
      return;
    }
    this.#timer(this.#endMs, () => this.#timeOver());
    this.#judge();
    if (this.#settled) return;
    const { concurrency } = this.#scenario;
    this.#queue = [...this.#states];
    if (concurrency === undefined) for (const state of this.#queue.splice(0)) this.#ask(state);
    else for (const state of this.#queue.splice(0, concurrency)) this.#turns.push(() => this.#ask(state));
  }

  #ask(state: State): void {
    if (this.#settled) return;
    state.startedMs = this.nowMs;
    this.#launch(state, 'original');
  }

  #launch(state: State, cause: AttemptLog['cause']): void {
    const { hedge, leaves } = this.#scenario;
    this.#cancel(state.hedgeTimer);
    state.tries++;
    if (hedge !== undefined && state.spare > 0) state.hedgeTimer = this.#timer(hedge.after, () => this.#silence(state));
    const log: AttemptLog = {
      leaf: state.index,
      attempt: state.tries,
      cause,
      startedMs: this.nowMs,
      leftMs: this.#endMs - this.nowMs,
    };
    this.prediction.attempts.push(log);
    const attempt: Try = {
      name: `${String(state.index)}/${String(state.tries)}`,
      act: actOf(leaves[state.index]!, state.tries),
      log,
      settled: false,
      timer: undefined,
    };
    state.open.add(attempt);
    this.#perform(state, attempt);
  }

  #silence(state: State): void {
    if (state.final !== undefined) return;
    if (state.notBeforeMs > this.nowMs) {
      state.hedgeTimer = this.#timer(state.notBeforeMs - this.nowMs, () => this.#silence(state));
    } else if (this.#spend()) {
      state.spare--;
      this.#launch(state, 'hedge');
    }
  }

  #perform(state: State, attempt: Try): void {
    const { act } = attempt;
    const done = (ok: boolean): void => this.#done(state, attempt, ok);
    switch (act.does) {
      case 'throw':
      case 'return':
        done(act.does === 'return');
        return;
      case 'thenable':
        this.#turns.push(() => {
          if (act.afterMs === undefined) done(true);
          else this.#timer(act.afterMs, () => done(true));
        });
        return;
      case 'hang':
        return;
      default:
        attempt.timer = this.#timer(act.afterMs, () => done(act.does === 'answer'));
    }
  }

  #done(state: State, attempt: Try, ok: boolean): void {
    attempt.settled = true;
    this.#turns.push(() => {
      this.#heard(state, attempt, ok);
    });
  }

  #spend(): boolean {
    if (this.#extras < 1) return false;
    this.#extras--;
    return true;
  }

  #heard(state: State, attempt: Try, ok: boolean): void {
    const value = valueOf(attempt.name, attempt.act);
    const refused = value.endsWith('!');
    state.open.delete(attempt);
    if (state.over) {
      if (ok) this.prediction.discarded.push({ value, atMs: this.nowMs });
    } else if (ok && !refused) {
      this.#settleLeaf(state, { status: 'ok', value, cause: attempt.log.cause });
    } else {
      const note: Note = 'note' in attempt.act ? attempt.act.note : undefined;
      this.#failed(state, attempt, ok ? value : attempt.name, ok ? undefined : note);
      if (ok) this.prediction.discarded.push({ value, atMs: this.nowMs });
    }
  }

  #failed(state: State, attempt: Try, error: string, note: Note): void {
    const { retry } = this.#scenario;
    state.errors.set(attempt.log.attempt, error);
    const pushbackMs = retry !== undefined && typeof note === 'object' ? note.pushbackMs : undefined;
    if (retry !== undefined && (note === 'final' || (pushbackMs ?? 0) < 0)) state.final ??= error;
    state.notBeforeMs = Math.max(state.notBeforeMs, this.nowMs + (pushbackMs ?? 0));
    const another = state.final === undefined && this.#extras >= 1;
    if (another && state.spare > 0 && pushbackMs === undefined && state.notBeforeMs <= this.nowMs) {
      this.#spend();
      state.spare--;
      this.#launch(state, 'retry');
    } else if (state.open.size > 0) {
      return;
    } else if (another && retry !== undefined && state.retried < retry.attempts - 1) {
      const { baseMs, maxMs } = retry.backoff;
      const backoffMs = pushbackMs ?? chance * Math.min(maxMs, baseMs * 2 ** state.retried);
      const waitMs = Math.max(backoffMs, state.notBeforeMs - this.nowMs);
      state.retried++;
      if (waitMs >= this.#endMs - this.nowMs) this.#settleLeaf(state, { status: 'failed' });
      else if (waitMs === 0) this.#retry(state);
      else {
        this.#cancel(state.hedgeTimer);
        state.hedgeTimer = this.#timer(waitMs, () => this.#retry(state));
      }
    } else {
      this.#settleLeaf(state, { status: 'failed' });
    }
  }

  #retry(state: State): void {
    if (this.#spend()) this.#launch(state, 'retry');
    else this.#settleLeaf(state, { status: 'failed' });
  }

  #settleLeaf(state: State, how: Pick<PredictedOutcome, 'status' | 'value' | 'cause'>): void {
    state.over = true;
    this.#cancel(state.hedgeTimer);
    const all = [...state.errors].sort(([a], [b]) => a - b).map(([, name]) => name);
    const errors = state.final === undefined ? all : [state.final];
    const common = { attempts: state.tries, ms: this.nowMs - state.startedMs };
    state.result = { ...how, ...common, ...(how.status === 'failed' && { errors }) };
    this.#judge();
    const next = this.#settled ? undefined : this.#queue.shift();
    if (next !== undefined) this.#turns.push(() => this.#ask(next));
    this.#abortOpen(state, 'SUPERSEDED');
  }

  #abortOpen(state: State, reason: unknown): void {
    for (const attempt of state.open) {
      attempt.log.abortedMs = this.nowMs;
      attempt.log.reason = reason;
      const onAbort = 'onAbort' in attempt.act ? attempt.act.onAbort : 'ignore';
      if (attempt.settled || onAbort === 'ignore') continue;
      this.#cancel(attempt.timer);
      if (onAbort === 'reject') this.#done(state, attempt, false);
      else this.#timer(onAbort.lateMs, () => this.#done(state, attempt, onAbort.ok));
    }
  }

  get #settled(): boolean {
    return this.prediction.kind !== 'pending';
  }

  #count(status: LeafStatus): number {
    return this.#states.filter(({ result }) => result?.status === status).length;
  }

  get #met(): boolean {
    const { need } = this.#scenario;
    const [ok, failed] = [this.#count('ok'), this.#count('failed')];
    if (typeof need === 'object' && 'suffices' in need)
      return ok >= need.suffices.ok && failed <= need.suffices.maxFailed;
    return ok >= needed(need, this.#states.length);
  }

  get #possible(): boolean {
    const { need } = this.#scenario;
    const open = this.#states.length - this.#count('ok') - this.#count('failed');
    if (typeof need === 'object' && 'suffices' in need) return open > 0;
    return this.#count('ok') + open >= needed(need, this.#states.length);
  }

  #judge(): void {
    const { straggler } = this.#scenario;
    const allHeard = this.#states.every(({ result }) => result !== undefined);
    if (this.#met) {
      if (straggler === 0 || allHeard) this.#settle('resolved', 'cancelled');
      else this.#waitOn(typeof straggler === 'number' ? { min: straggler, max: straggler } : straggler);
    } else if (this.#possible) {
      // A function may take its word back: then the wait begins anew with the next yes.
      this.#cancel(this.#straggling?.timer);
      this.#straggling = undefined;
    } else {
      this.prediction.cause = this.#states.find(({ result }) => result?.status === 'failed')?.result?.errors ?? [];
      this.#settle('rejected', 'cancelled');
    }
  }

  /** A line from `max` for all that were open when the requirement was met to `min` for the last, never later than before. */
  #waitOn({ min, max }: { readonly min: number; readonly max: number }): void {
    const open = this.#states.filter(({ result }) => result === undefined).length;
    const {
      leftMs,
      open: atMet,
      timer,
    } = this.#straggling ?? { leftMs: this.#endMs - this.nowMs, open, timer: undefined };
    const share = atMet === 1 ? min : min + ((max - min) * (open - 1)) / (atMet - 1);
    const atMs = this.nowMs + (share === 0 ? 0 : share * leftMs);
    if (max === 0 || (atMs <= this.nowMs && (timer === undefined || timer.atMs > atMs))) {
      this.#settle('resolved', 'cancelled');
      return;
    }
    if (timer !== undefined && timer.atMs <= atMs) return;
    this.#cancel(timer);
    this.#straggling = {
      leftMs,
      open: atMet,
      timer: this.#timer(atMs - this.nowMs, () => this.#settle('resolved', 'late')),
    };
  }

  #timeOver(): void {
    if (this.#settled) return;
    if (!this.#met) this.prediction.cause = 'late';
    this.#settle(this.#met ? 'resolved' : 'rejected', 'late');
  }

  #settle(kind: Prediction['kind'], open: 'late' | 'cancelled'): void {
    if (this.#settled) return;
    this.prediction.kind = kind;
    this.prediction.settledMs = this.nowMs;
    this.prediction.outcomes = this.#states.map(({ tries, result, startedMs }): PredictedOutcome => {
      if (tries === 0) return { status: 'skipped', attempts: 0, ms: 0 };
      return result ?? { status: open, attempts: tries, ms: this.nowMs - startedMs };
    });
    if (kind === 'aborted') {
      // Nobody gets the answers that did come.
      for (const { status, value } of this.prediction.outcomes)
        if (status === 'ok') this.prediction.discarded.push({ value: String(value), atMs: this.nowMs });
    }
    const timeOver = open === 'late' && this.nowMs >= this.#endMs;
    const reason = kind === 'aborted' ? callersReason : timeOver ? 'DEADLINE_EXCEEDED' : 'SUPERSEDED';
    this.#cancel(this.#straggling?.timer);
    for (const state of this.#states) {
      if (state.over) continue;
      state.over = true;
      this.#cancel(state.hedgeTimer);
      this.#abortOpen(state, reason);
    }
  }
}

/** What the scenario comes to. */
export function predict(scenario: Scenario): Prediction {
  return new Simulation(scenario).run();
}
