import pLimit from 'p-limit';
import type { Timer } from '../core/clock.ts';
import { check, func, object, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { onAbort, signalRule, type Unlink } from '../core/signals.ts';
import { contextOf, type FlowContext } from './context.ts';
import type { Delivery, Flow } from './delivery.ts';
import { eventsRule, type FlowEvents } from './flow-events.ts';
import { checkFlow, intakeOf } from './intake.ts';
import type { Failure } from './port.ts';
import { duration, whole } from './rules.ts';
import { giveBack, left, refuse, reportLost } from './transaction.ts';

/** How {@link each} tries a value again before it gives it up. */
export interface EachRetry {
  /**
   * How many attempts in all.
   *
   * @defaultValue 3
   */
  readonly attempts?: number | undefined;
  /**
   * The longest pause before the first retry, in milliseconds; doubled for each further one, and drawn anew.
   *
   * @defaultValue 50
   */
  readonly baseMs?: number | undefined;
  /**
   * The longest pause of all, in milliseconds.
   *
   * @defaultValue 5,000
   */
  readonly maxMs?: number | undefined;
}

/** Options of {@link each}. */
export interface EachOptions<T> {
  /**
   * How many values are worked on at a time.
   *
   * @defaultValue 1
   */
  readonly concurrency?: number | undefined;
  /**
   * Tries here, before anything goes back to the source.
   *
   * @defaultValue one attempt
   */
  readonly retry?: EachRetry | undefined;
  /** Takes what has failed for good. When it has, the delivery is acknowledged; when it throws, nacked. */
  readonly deadLetter?: ((value: T, error: unknown, context: FlowContext) => unknown) | undefined;
  /** Ends the work: nothing more is read, and what is under way has `graceMs` left. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long work that is under way may go on after an abort, or an error of the flow, in milliseconds. What is not done
   * by then is nacked.
   *
   * @defaultValue 10,000
   */
  readonly graceMs?: number | undefined;
  /** Who hears of failures and dead letters. */
  readonly events?: FlowEvents | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What became of the deliveries that {@link each} has read. Their sum is how many there were. */
export interface EachReport {
  /** Dealt with, and acknowledged. */
  readonly acked: number;
  /** Acknowledged, for the dead letters have them. */
  readonly dead: number;
  /** Given back to the source. */
  readonly nacked: number;
}

const shape = {
  concurrency: whole,
  retry: object<object>(),
  deadLetter: func<(value: unknown, error: unknown, context: FlowContext) => unknown>(),
  signal: signalRule,
  graceMs: duration,
  events: eventsRule,
  runtime: runtimeRule,
};

const retryShape = {
  attempts: whole,
  baseMs: duration,
  maxMs: duration,
};

/**
 * Deals with every value of a flow: the end of most graphs.
 *
 * Promises: each delivery is settled once. It is acknowledged when the function has returned, or when the dead letters have
 * taken it; nacked when neither did. At most `concurrency` values are worked on at a time and no others are read. On an
 * abort, or an error of the flow, nothing more is read; what is under way has `graceMs`, then its signal aborts,
 * and only then the flow is closed and the rest nacked: a queue that takes back what it gave takes back nothing that has time.
 *
 * Does not promise that a value comes once: an acknowledgement may be lost, and then the source delivers again.
 *
 * @param flow - what to read
 * @param fn - deals with a value, or throws
 * @param options - how many at a time, retries, dead letters, and how to end
 * @returns what became of the deliveries, when the flow has ended
 * @throws {@link HoldfastError} `INVALID_OPTION`; the flow's error; the signal's reason. All as a rejection
 * @example
 * ```ts
 * import { each, flow } from 'holdfast/flow';
 *
 * const dead: string[] = [];
 * const send = async (to: string): Promise<void> => {
 *   if (!to.includes('@')) throw new Error('no address');
 * };
 * await each(flow(['ann@x.org', 'bob']), send, { concurrency: 8, deadLetter: (to) => dead.push(to) }) // => { acked: 1, dead: 1, nacked: 0 }
 * dead // => ['bob']
 * ```
 */
export async function each<T>(
  flow: Flow<T>,
  fn: (value: T, context: FlowContext) => unknown,
  options?: EachOptions<T>,
): Promise<EachReport> {
  checkFlow(flow);
  check('fn', fn, func());
  const given = readOptions('each', options, shape);
  const { concurrency = 1, retry, deadLetter, signal, graceMs = 10_000, events, runtime = systemRuntime } = given;
  const {
    attempts = retry === undefined ? 1 : 3,
    baseMs = 50,
    maxMs = 5_000,
  } = readOptions('retry', retry, retryShape);
  const { clock, random } = runtime;

  return await new Promise((resolve, reject) => {
    const limit = pLimit(concurrency);
    const work = new AbortController();
    const report = { acked: 0, dead: 0, nacked: 0 };
    /** Whose outcome is not known yet. */
    const open = new Set<Delivery<T>>();
    let busy = 0;
    let ending: { readonly failure: Failure | undefined } | undefined;
    let timer: Timer | undefined;
    let unlink: Unlink = () => undefined;

    const finish = (): void => {
      unlink();
      timer?.cancel();
      work.abort(left());
      intake.close();
      open.forEach(giveBack);
      open.clear();
      const { failure } = ending!;
      if (failure === undefined) resolve(report);
      else reject(failure.error);
    };

    const stop = (failure?: Failure): void => {
      ending = { failure: ending?.failure ?? failure };
      if (busy === 0) finish();
      else if (failure !== undefined) timer ??= clock.setTimer(graceMs, finish, { ref: true });
    };

    const pull = (): void => {
      if (busy < concurrency) intake.pull();
    };

    /** Undefined: it has been done. */
    const attempt = async ({ value }: Delivery<T>, context: FlowContext): Promise<Failure | undefined> => {
      for (let n = 1; ; n++) {
        try {
          await fn(value, context);
          return undefined;
        } catch (error) {
          if (n >= attempts) return { error };
        }
        await clock.sleep(random() * Math.min(maxMs, baseMs * 2 ** (n - 1)), context.signal);
      }
    };

    const deal = async (delivery: Delivery<T>): Promise<void> => {
      const context = contextOf(delivery, work);
      let outcome: keyof EachReport = 'acked';
      let error: unknown;
      try {
        const failure = await attempt(delivery, context);
        if (!open.has(delivery)) return; // its time was over
        if (failure !== undefined) {
          ({ error } = failure);
          outcome = deadLetter === undefined ? 'nacked' : 'dead';
          await deadLetter?.(delivery.value, error, context);
        }
      } catch (other) {
        error = other;
        outcome = 'nacked';
      }
      if (!open.delete(delivery)) return;
      if (outcome === 'nacked') refuse(events, 'each', delivery, error);
      else {
        if (outcome === 'dead') events?.tell('dead', { id: delivery.id, error });
        await delivery.ack();
      }
      report[outcome]++;
    };

    const intake = intakeOf(flow, runtime, {
      take(delivery) {
        if (ending !== undefined) {
          giveBack(delivery);
          return;
        }
        busy++;
        open.add(delivery);
        void limit(deal, delivery)
          .catch((error: unknown) => {
            reportLost(error);
            report.nacked++; // for all that the source knows
          })
          .then(() => {
            busy--;
            if (ending === undefined) pull();
            else if (busy === 0) finish();
          });
        pull();
      },
      end: stop,
    });
    unlink = onAbort(signal, (error) => {
      stop({ error });
    });
    pull();
  });
}
