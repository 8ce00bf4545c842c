import type { Clock, Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { check, func, invalid, number, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, systemRuntime } from '../core/runtime.ts';
import type { Delivery, Flow } from './delivery.ts';
import type { FlowEvents } from './flow-events.ts';
import { checkFlow, type Failure, type Intake, intakeOf } from './intake.ts';
import { flowOf, type Port, type PortHost } from './port.ts';
import { bufferShape, duration, whole } from './rules.ts';
import { Stall } from './stall.ts';
import { Derived, giveBack, quietly, refuse, Transaction } from './transaction.ts';

/** A set of parts that belong together. */
export interface Joined<T> {
  /** What they have in common. */
  readonly key: string;
  /** The parts by name, in the order of their coming. */
  readonly parts: ReadonlyMap<string, T>;
  /** Whether all have come. */
  readonly complete: boolean;
  /** Which have not, where `expect` names them. */
  readonly missing: readonly string[];
}

/** Options of {@link barrier}. */
export interface BarrierOptions<T> {
  /** Which set a value is of. */
  readonly key: (value: T) => string;
  /** Which part of its set it is: one that comes again counts once. */
  readonly part: (value: T) => string;
  /** The parts of its set, or how many there are. The first part of a set is asked. */
  readonly expect: (value: T) => number | readonly string[];
  /** How long a set waits for its last part, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * What becomes of a set then, and of one that is not complete when the flow ends. `'fail'`: its parts are nacked, with
   * `INCOMPLETE`. `'emit'`: it is delivered, with what is `missing`.
   *
   * @defaultValue 'fail'
   */
  readonly onTimeout?: 'fail' | 'emit' | undefined;
  /**
   * How many sets may wait at a time. When so many do, nothing more is read than the first part of another.
   *
   * @defaultValue 10,000
   */
  readonly maxPending?: number | undefined;
  /**
   * How many acknowledged sets are remembered, so that a part that comes late is acknowledged too.
   *
   * @defaultValue 10,000
   */
  readonly remember?: number | undefined;
  /**
   * How long `maxPending` may hold up the flow before `stalled` tells, in milliseconds.
   *
   * @defaultValue 10,000
   */
  readonly stalledMs?: number | undefined;
  /** Who hears of failures, stalls and late parts. */
  readonly events?: FlowEvents | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** A set that waits for parts. */
interface Waiting<T> {
  readonly key: string;
  /** The names of its parts, where they are known. */
  readonly names: ReadonlySet<string> | undefined;
  /** How many they are. */
  readonly size: number;
  readonly dueMs: number;
  readonly parts: Map<string, T>;
  /** All that came, also what came twice: they share the fate of the set. */
  readonly deliveries: Delivery<T>[];
}

const text: Rule<string> = { expected: 'a string', accepts: (value) => typeof value === 'string' };

const expectRule: Rule<readonly string[] | number> = {
  expected: `${whole.expected} or an array of one or more strings`,
  accepts: (value) => whole.accepts(value) || (Array.isArray(value) && value.length > 0 && value.every(text.accepts)),
};

const shape = {
  key: func<(value: unknown) => string>(),
  part: func<(value: unknown) => string>(),
  expect: func<(value: unknown) => number | readonly string[]>(),
  timeoutMs: duration,
  onTimeout: oneOf('fail', 'emit'),
  maxPending: whole,
  remember: number({ min: 0, integer: true }),
  ...bufferShape,
};

const required = ['key', 'part', 'expect', 'timeoutMs'] as const;

/**
 * The join: sets of parts, each delivered when it is complete.
 *
 * Promises: a set is delivered once, with distinct parts: one that comes again counts once and shares the fate of the set. The
 * parts are held until the set is settled, and settled as it is. A set whose time is over fails or is delivered with what is
 * `missing`, by `onTimeout`; so is one that waits when the flow ends. A part that comes after its set was acknowledged is
 * acknowledged and told of (`late`), for `timeoutMs` and as far as `remember` goes. Memory: `maxPending` sets that wait, the
 * keys of `remember`, and the sets that are delivered and not settled.
 *
 * Does not promise to join what other processes have: the parts of a set must come to one process, so `shard` before. Does not
 * suit leases that are not renewed: a part is held as long as its set waits. When `maxPending` incomplete sets wait, only time
 * makes room.
 *
 * Complexity: O(1) a part; one timer.
 *
 * @param flow - what to read
 * @param options - which set and part a value is, what a set is made of, and how long it waits
 * @returns the sets; id is the key
 * @throws {@link HoldfastError} `INVALID_OPTION`; nacks with `INCOMPLETE`
 * @example
 * ```ts
 * import { barrier, flow, values } from 'holdfast/flow';
 *
 * const parts = flow(['a/still', 'b/still', 'a/gif', 'a/gif']);
 * const sets = barrier(parts, {
 *   key: (name) => name.split('/')[0]!,
 *   part: (name) => name.split('/')[1]!,
 *   expect: () => ['still', 'gif'],
 *   timeoutMs: 60_000,
 *   onTimeout: 'emit',
 * });
 * const seen: string[] = [];
 * for await (const { key, complete, missing } of values(sets)) seen.push(complete ? key : `${key} without ${missing.join()}`);
 * seen // => ['a', 'b without gif']
 * ```
 */
export function barrier<T>(flow: Flow<T>, options: BarrierOptions<T>): Flow<Joined<T>> {
  checkFlow(flow);
  const values = readOptions('barrier', options, shape);
  for (const name of required) check<unknown>(name, values[name], shape[name]);
  return flowOf<Joined<T>>((port) => new Barrier<T>(flow, values as BarrierOptions<unknown>, port));
}

/** One reading of a barrier. */
class Barrier<T> implements PortHost {
  readonly #options: BarrierOptions<unknown>;
  readonly #clock: Clock;
  readonly #port: Port<Delivery<Joined<T>>>;
  readonly #intake: Intake<Delivery<T>>;
  readonly #stall: Stall;
  /** In the order in which their time is over. */
  readonly #waiting = new Map<string, Waiting<T>>();
  /** Delivered and not settled: whose parts share the fate of each set. */
  readonly #delivered = new Map<string, Delivery<T>[]>();
  /** Acknowledged, and until when that is remembered. */
  readonly #past = new Map<string, number>();
  /** The first part of a set for which there is no room. */
  #held: Delivery<T> | undefined;
  #timer: Timer | undefined;

  constructor(flow: Flow<T>, options: BarrierOptions<unknown>, port: Port<Delivery<Joined<T>>>) {
    const { events, runtime = systemRuntime, stalledMs = 10_000 } = options;
    this.#options = options;
    this.#clock = runtime.clock;
    this.#port = port;
    this.#stall = new Stall('barrier', runtime.clock, stalledMs, events, () => undefined);
    this.#intake = intakeOf(flow, {
      take: (delivery) => {
        this.#take(delivery);
        this.want();
      },
      end: (failure) => {
        this.#end(failure);
      },
    });
  }

  want(): void {
    this.#stall.is(this.#held !== undefined);
    if (this.#port.hungry && this.#held === undefined) this.#intake.pull();
  }

  leave(): void {
    this.#intake.close();
    if (this.#held !== undefined) giveBack(this.#held);
    this.#held = undefined;
    this.#stall.is(false);
    this.#giveUp();
  }

  #end(failure: Failure | undefined): void {
    if (failure === undefined) for (const set of this.#waiting.values()) this.#expire(set, 'the flow has ended');
    this.#giveUp();
    this.#port.end(failure);
  }

  #giveUp(): void {
    this.#unwatch();
    for (const { deliveries } of this.#waiting.values()) deliveries.forEach(giveBack);
    this.#waiting.clear();
  }

  #take(delivery: Delivery<T>): void {
    const { events, key, part } = this.#options;
    const { value } = delivery;
    try {
      const of = check('a key', key(value), text);
      const name = check('a part', part(value), text);
      const delivered = this.#delivered.get(of);
      if (delivered !== undefined) delivered.push(delivery);
      else if (this.#clock.now() < (this.#past.get(of) ?? -Infinity)) {
        quietly(delivery.ack());
        events?.tell('late', { key: of, part: name });
      } else this.#join(of, name, delivery);
    } catch (error) {
      refuse(events, 'barrier', delivery, error);
    }
  }

  #join(key: string, part: string, delivery: Delivery<T>): void {
    const { expect, timeoutMs, maxPending = 10_000 } = this.#options;
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= maxPending) {
      this.#held = delivery;
      return;
    }
    const set = known ?? open<T>(key, expect(delivery.value), this.#clock.now() + timeoutMs);
    const { names, size, parts, deliveries } = set;
    if (names?.has(part) === false) throw invalid('a part', 'one that its set expects', part);
    deliveries.push(delivery);
    if (!parts.has(part)) parts.set(part, delivery.value);
    if (parts.size === size) this.#release(set);
    else if (known === undefined) {
      this.#waiting.set(key, set);
      this.#watch();
    }
  }

  #release(set: Waiting<T>): void {
    const { key, parts, deliveries, names = [], size } = set;
    const missing = [...names].filter((part) => !parts.has(part));
    const transaction = new Transaction(deliveries, 1, (acked) => {
      this.#delivered.delete(key);
      if (acked) this.#remember(key);
    });
    this.#delivered.set(key, deliveries);
    const attempt = deliveries.reduce((most, delivery) => Math.max(most, delivery.attempt), 1);
    this.#port.give(
      new Derived({ key, parts, complete: parts.size === size, missing }, { id: key, attempt }, transaction),
    );
    this.#remove(key);
  }

  #expire(set: Waiting<T>, why: string): void {
    const { onTimeout, events } = this.#options;
    if (onTimeout === 'emit') {
      this.#release(set);
      return;
    }
    const { key, deliveries, parts } = set;
    const error = new HoldfastError('INCOMPLETE', `${why}, and "${key}" has ${String(parts.size)} of its parts`);
    for (const delivery of deliveries) refuse(events, 'barrier', delivery, error);
    this.#remove(key);
  }

  /** There is room for another set. */
  #remove(key: string): void {
    this.#waiting.delete(key);
    if (this.#waiting.size === 0) this.#unwatch();
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#take(held);
    this.want();
  }

  /** Sets wait equally long: the first one is always the next whose time is over. */
  #watch(): void {
    const [first] = this.#waiting.values();
    if (first === undefined || this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimer(
      first.dueMs - this.#clock.now(),
      () => {
        this.#timer = undefined;
        const nowMs = this.#clock.now();
        for (const set of this.#waiting.values()) {
          if (set.dueMs > nowMs) break;
          this.#expire(set, 'the time is over');
        }
        this.#watch();
      },
      { ref: true },
    );
  }

  #unwatch(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #remember(key: string): void {
    const { remember = 10_000, timeoutMs } = this.#options;
    this.#past.delete(key);
    this.#past.set(key, this.#clock.now() + timeoutMs);
    const [oldest] = this.#past.keys();
    if (this.#past.size > remember) this.#past.delete(oldest!);
  }
}

function open<T>(key: string, expected: unknown, dueMs: number): Waiting<T> {
  const parts = check('what is expected', expected, expectRule);
  const names = typeof parts === 'object' ? new Set(parts) : undefined;
  return { key, names, size: names?.size ?? (parts as number), dueMs, parts: new Map(), deliveries: [] };
}
