import type { Timer } from '../core/clock.ts';
import { HoldfastError } from '../core/errors.ts';
import { check, func, invalid, number, oneOf, readOptions, type Rule } from '../core/options.ts';
import { systemRuntime } from '../core/runtime.ts';
import type { Delivery, Flow } from './delivery.ts';
import { operator, type OperatorOptions } from './operator.ts';
import { bufferShape, duration, whole } from './rules.ts';
import { stallOf } from './stall.ts';
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
export interface BarrierOptions<T> extends OperatorOptions {
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
  const values = readOptions('barrier', options, shape);
  for (const name of required) check<unknown>(name, values[name], shape[name]);
  const { key, part, expect, timeoutMs, onTimeout } = values as BarrierOptions<unknown>;
  const { maxPending = 10_000, remember = 10_000, events, runtime = systemRuntime } = values;
  const { clock } = runtime;
  return operator<T, Joined<T>>('barrier', flow, values, (port, { intake, offer }) => {
    const stalls = stallOf('barrier', values, () => undefined);
    /** In the order in which their time is over. */
    const waiting = new Map<string, Waiting<T>>();
    /** Delivered and not settled: whose parts share the fate of each set. */
    const delivered = new Map<string, Delivery<T>[]>();
    /** Acknowledged, and until when that is remembered. */
    const past = new Map<string, number>();
    /** The first part of a set for which there is no room. */
    let held: Delivery<T> | undefined;
    let timer: Timer | undefined;

    const take = (delivery: Delivery<T>): void => {
      const { value } = delivery;
      const of = check('a key', key(value), text);
      const name = check('a part', part(value), text);
      const shared = delivered.get(of);
      if (shared !== undefined) shared.push(delivery);
      else if (clock.now() < (past.get(of) ?? -Infinity)) {
        quietly(() => delivery.ack());
        events?.tell('late', { key: of, part: name });
      } else join(of, name, delivery);
    };

    const join = (of: string, name: string, delivery: Delivery<T>): void => {
      const known = waiting.get(of);
      if (known === undefined && waiting.size >= maxPending) {
        held = delivery;
        stalls(true);
        return;
      }
      const set = known ?? open<T>(of, expect(delivery.value), clock.now() + timeoutMs);
      const { names, size, parts, deliveries } = set;
      if (names?.has(name) === false) throw invalid('a part', 'one that its set expects', name);
      if (intake.over) {
        giveBack(delivery); // one of the functions has left the flow
        return;
      }
      deliveries.push(delivery);
      if (!parts.has(name)) parts.set(name, delivery.value);
      if (parts.size === size) release(set);
      else if (known === undefined) {
        waiting.set(of, set);
        watch();
      }
    };

    const release = (set: Waiting<T>): void => {
      const { key: of, parts, deliveries, names = [], size } = set;
      const missing = [...names].filter((name) => !parts.has(name));
      const transaction = new Transaction(deliveries, 1, (acked) => {
        delivered.delete(of);
        if (acked) settled(of);
      });
      delivered.set(of, deliveries);
      const attempt = deliveries.reduce((most, delivery) => Math.max(most, delivery.attempt), 1);
      const joined = { key: of, parts, complete: parts.size === size, missing };
      port.give(new Derived(joined, { id: of, attempt }, transaction));
      remove(of);
    };

    const expire = (set: Waiting<T>, why: string): void => {
      if (onTimeout === 'emit') {
        release(set);
        return;
      }
      const { key: of, deliveries, parts } = set;
      const error = new HoldfastError('INCOMPLETE', `${why}, and "${of}" has ${String(parts.size)} of its parts`);
      for (const delivery of deliveries) refuse(events, 'barrier', delivery, error);
      remove(of);
    };

    /** There is room for another set. */
    const remove = (of: string): void => {
      waiting.delete(of);
      if (waiting.size === 0) unwatch();
      const next = held;
      if (next === undefined) return;
      held = undefined;
      stalls(false);
      offer(next);
    };

    /** Sets wait equally long: the first one is always the next whose time is over. */
    const watch = (): void => {
      const [first] = waiting.values();
      if (first === undefined || timer !== undefined) return;
      timer = clock.setTimer(
        first.dueMs - clock.now(),
        () => {
          timer = undefined;
          const nowMs = clock.now();
          for (const set of waiting.values()) {
            if (set.dueMs > nowMs) break;
            expire(set, 'the time is over');
          }
          watch();
        },
        { ref: true },
      );
    };

    const unwatch = (): void => {
      timer?.cancel();
      timer = undefined;
    };

    const settled = (of: string): void => {
      past.delete(of);
      past.set(of, clock.now() + timeoutMs);
      const [oldest] = past.keys();
      if (past.size > remember) past.delete(oldest!);
    };

    const giveUp = (): void => {
      unwatch();
      for (const { deliveries } of waiting.values()) deliveries.forEach(giveBack);
      waiting.clear();
    };

    return {
      take,
      next: () => (held === undefined ? intake : undefined),
      end(failure) {
        if (failure === undefined) for (const set of waiting.values()) expire(set, 'the flow has ended');
        giveUp();
      },
      leave() {
        if (held !== undefined) giveBack(held);
        held = undefined;
        stalls(false);
        giveUp();
      },
    };
  });
}

function open<T>(key: string, expected: unknown, dueMs: number): Waiting<T> {
  const parts = check('what is expected', expected, expectRule);
  const names = typeof parts === 'object' ? new Set(parts) : undefined;
  return { key, names, size: names?.size ?? (parts as number), dueMs, parts: new Map(), deliveries: [] };
}
