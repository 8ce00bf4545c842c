/*
 * What a gather comes to, predicted by a simulation of its own: timers by (time, creation), and between two of them a
 * first-in-first-out queue of what promises do, one turn for a settled promise and one more for a thenable's `then`.
 */
import type { LeafStatus } from 'holdfast/scatter';
import { type Act, actOf, type AttemptLog, type Script } from '../support/serving.ts';

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
  readonly straggler: number;
  readonly hedge: { readonly after: number; readonly extra: number } | undefined;
  readonly concurrency: number | undefined;
  /** When the caller aborts: never, in the turn of the call, or by a timer set before the call. */
  readonly abort: 'never' | 'at once' | number;
}

export interface PredictedOutcome {
  readonly status: LeafStatus;
  readonly attempts: number;
  readonly ms: number;
  readonly value?: string;
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
  #straggling: Timed | undefined;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#states = scenario.leaves.map((_, index) => ({
      index,
      open: new Set(),
      errors: new Map(),
      tries: 0,
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
    if (hedge !== undefined && state.tries <= hedge.extra)
      state.hedgeTimer = this.#timer(hedge.after, () => this.#launch(state, 'hedge'));
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

  #heard(state: State, attempt: Try, ok: boolean): void {
    state.open.delete(attempt);
    if (state.over) {
      if (ok) this.prediction.discarded.push({ value: attempt.name, atMs: this.nowMs });
      return;
    }
    if (!ok) {
      state.errors.set(attempt.log.attempt, attempt.name);
      if (state.tries <= (this.#scenario.hedge?.extra ?? 0)) {
        this.#launch(state, 'retry');
        return;
      }
      if (state.open.size > 0) return;
    }
    state.over = true;
    this.#cancel(state.hedgeTimer);
    const common = { attempts: state.tries, ms: this.nowMs - state.startedMs };
    const errors = [...state.errors].sort(([a], [b]) => a - b).map(([, name]) => name);
    state.result = ok ? { status: 'ok', value: attempt.name, ...common } : { status: 'failed', errors, ...common };
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
      else
        this.#straggling ??= this.#timer((this.#endMs - this.nowMs) * straggler, () =>
          this.#settle('resolved', 'late'),
        );
    } else if (this.#possible) {
      // A function may take its word back: then the wait begins anew with the next yes.
      this.#cancel(this.#straggling);
      this.#straggling = undefined;
    } else {
      this.prediction.cause = this.#states.find(({ result }) => result?.status === 'failed')?.result?.errors ?? [];
      this.#settle('rejected', 'cancelled');
    }
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
    this.#cancel(this.#straggling);
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
