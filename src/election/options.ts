import { invalid, number, type Rule } from '../core/options.ts';
import { having, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime, uniqueOf } from '../core/runtime.ts';
import type { LeaseStore } from './lease-store.ts';
import { type Timing, timingFrom } from './rules.ts';

/** Options of {@link Election}. */
export interface ElectionOptions<Meta = unknown> {
  /** The election: candidates of one name in one store stand against each other. Not empty. */
  readonly name: string;
  /**
   * Who stands. Two candidates of one id are still two.
   *
   * @defaultValue a name that nobody else has
   */
  readonly id?: string | undefined;
  /**
   * What the leader tells the world: anything that JSON can say, its address for example.
   *
   * @defaultValue nothing
   */
  readonly meta?: Meta | undefined;
  /**
   * How many times `spreadMs` this candidate lets others go first, when the office is free.
   *
   * @defaultValue 0
   */
  readonly rank?: number | undefined;
  /**
   * Milliseconds that a lease lasts without a renewal: a leader that vanishes is followed after at most so long.
   *
   * @defaultValue 10000
   */
  readonly ttlMs?: number | undefined;
  /**
   * Milliseconds between two renewals, a tenth more or less by chance.
   *
   * @defaultValue a third of `ttlMs`
   */
  readonly renewMs?: number | undefined;
  /**
   * Milliseconds that the store may take to answer.
   *
   * @defaultValue a quarter of `ttlMs`
   */
  readonly requestMs?: number | undefined;
  /**
   * Milliseconds before the lease can be another's at which the leader stops: for what it has begun to land.
   *
   * @defaultValue a twentieth of `ttlMs`, 100 at least
   */
  readonly guardMs?: number | undefined;
  /**
   * Milliseconds that a new leader waits when the one before vanished without a word, for what that one has begun to land.
   *
   * @defaultValue 0
   */
  readonly lockDelayMs?: number | undefined;
  /**
   * Milliseconds for each step of `rank`, and for those to whom a lease was not given.
   *
   * @defaultValue a tenth of `ttlMs`, 1000 at most
   */
  readonly spreadMs?: number | undefined;
  /**
   * Milliseconds that what is done for a term may take to stop when the leader resigns.
   *
   * @defaultValue 10000
   */
  readonly drainMs?: number | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal The options, checked and complete. */
export interface ElectionSettings {
  readonly name: string;
  readonly id: string;
  readonly instance: string;
  readonly meta: unknown;
  readonly rank: number;
  readonly timing: Timing;
  readonly runtime: Runtime;
}

const longestName = 512;
const nameRule: Rule<string> = {
  expected: `a string of 1 to ${String(longestName)} characters`,
  accepts: (value) => typeof value === 'string' && value.length > 0 && value.length <= longestName,
};
const lengthRule = number({ min: 1 });
const pauseRule = number({ min: 0 });
const rankRule = number({ min: 0, max: 1_000, integer: true });
const storeRule = having<LeaseStore>('a LeaseStore', 'acquire', 'renew', 'release', 'read');

/**
 * @internal Reads the options of an election.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function settingsFrom(store: LeaseStore, options: ElectionOptions): ElectionSettings {
  if (!storeRule.accepts(store)) throw invalid('store', storeRule.expected, store);
  const values = readOptions('Election', options, {
    name: nameRule,
    id: nameRule,
    meta: { expected: 'what JSON can say', accepts: isJson },
    rank: rankRule,
    ttlMs: lengthRule,
    renewMs: lengthRule,
    requestMs: lengthRule,
    guardMs: pauseRule,
    lockDelayMs: pauseRule,
    spreadMs: pauseRule,
    drainMs: pauseRule,
    runtime: runtimeRule,
  });
  const { name, runtime = systemRuntime, rank = 0, meta } = values;
  if (name === undefined) throw invalid('name', nameRule.expected, name);
  const own = uniqueOf(runtime);
  const { id = own } = values;
  return { name, id, instance: `${id}#${own}`, meta, rank, timing: timingFrom(values, store.limits), runtime };
}

/** @internal Whether JSON can say it. */
export function isJson(value: unknown): boolean {
  try {
    // The types forget that a function has no JSON.
    return value === undefined || typeof (JSON.stringify(value) as string | undefined) === 'string';
  } catch {
    return false;
  }
}
