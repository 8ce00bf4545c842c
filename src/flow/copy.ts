import { boolean, check, invalid, object, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, systemRuntime } from '../core/runtime.ts';
import type { Flow } from './delivery.ts';
import { type BranchSettings, Fan, type Overflow } from './fan.ts';
import type { FlowEvents } from './flow-events.ts';
import { checkFlow } from './intake.ts';
import { bufferShape, whole } from './rules.ts';
import { Derived, Transaction } from './transaction.ts';

/** How much a branch may be behind. */
export interface BranchOptions {
  /**
   * How many deliveries wait for its reader at most.
   *
   * @defaultValue 16
   */
  readonly buffer?: number | undefined;
  /**
   * What to do when so many wait.
   *
   * @defaultValue 'block'
   */
  readonly overflow?: Overflow | undefined;
}

/** Options of {@link split} and {@link shard}. */
export interface LaneOptions {
  /**
   * How many deliveries wait for the reader of a branch at most.
   *
   * @defaultValue 16
   */
  readonly buffer?: number | undefined;
  /**
   * How long a full branch may hold up the others before `stalled` tells, in milliseconds.
   *
   * @defaultValue 10,000
   */
  readonly stalledMs?: number | undefined;
  /** Who hears of failures, drops and stalls. */
  readonly events?: FlowEvents | undefined;
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** Options of {@link copy}. */
export interface CopyOptions<N extends string = string> extends BranchOptions, LaneOptions {
  /** Options of single branches, before those of all. */
  readonly branches?: Readonly<Partial<Record<N, BranchOptions>>> | undefined;
  /**
   * `true`: a branch that is left leaves the others alone, and what it has not read is dropped for it. `false`: it ends them
   * all, and what nobody has dealt with is nacked.
   *
   * @defaultValue false
   */
  readonly detach?: boolean | undefined;
}

/** A flow for each name. */
export type Branches<T, N extends string> = Readonly<Record<N, Flow<T>>>;

const branchShape = {
  buffer: whole,
  overflow: oneOf('strict', 'block', 'drop-oldest', 'drop-newest'),
};

/** @internal */
export const laneShape = { buffer: whole, ...bufferShape };

const copyShape = { ...laneShape, ...branchShape, branches: object<Record<string, unknown>>(), detach: boolean };

const namesRule: Rule<readonly string[]> = {
  expected: 'an array of one or more distinct strings',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((name) => typeof name === 'string') &&
    new Set(value).size === value.length,
};

/** @internal The settings of all branches, by name. */
export function lanesOf(names: unknown, buffer = 16, overflow: Overflow = 'block'): Map<string, BranchSettings> {
  return new Map(check('names', names, namesRule).map((name) => [name, { buffer, overflow }]));
}

function refuseName(name: string): never {
  throw invalid('a name in branches', 'one of names', name);
}

/**
 * The copier: every delivery to each of several branches.
 *
 * Promises: each branch gets the same sequence, the end or the error of the flow included, but for what its `overflow` drops,
 * which is counted and told of (`dropped`). A delivery is acknowledged when every branch has acknowledged or dropped it, and
 * nacked with the first branch that nacks it. Memory: `buffer` deliveries a branch, and one more. When a branch is left all
 * end, and what nobody has dealt with is nacked; with `detach` the others go on.
 *
 * Does not promise that a slow branch leaves the others alone: under `'block'` it holds them up, and `stalled` tells. Read
 * branches at the same time, never one after the other. A nack of one branch has the source deliver again to all: retry and
 * keep dead letters inside of each branch (`each`). The values are shared, not cloned.
 *
 * A branch is read once, like a generator.
 *
 * @param flow - what to read; nothing is read before a branch is
 * @param names - of the branches
 * @param options - how much a branch may be behind, and what then
 * @returns a flow for each name
 * @throws {@link HoldfastError} `INVALID_OPTION`; `BUFFER_FULL` from a branch under `'strict'`
 * @example
 * ```ts
 * import { copy, each, flow } from 'holdfast/flow';
 *
 * const mails: string[] = [];
 * let listed = 0;
 * const to = copy(flow(['ann', 'bob']), ['mail', 'list']);
 * await Promise.all([each(to.mail, (name) => mails.push(name)), each(to.list, () => listed++)]);
 * [mails, listed] // => [['ann', 'bob'], 2]
 * ```
 */
export function copy<T, const N extends string>(
  flow: Flow<T>,
  names: readonly N[],
  options?: CopyOptions<N>,
): Branches<T, N> {
  checkFlow(flow);
  const values = readOptions('copy', options, copyShape);
  const { buffer, overflow, branches = {}, detach = false } = values;
  const { runtime = systemRuntime, events, stalledMs = 10_000 } = values;
  const settings = lanesOf(names, buffer, overflow);
  for (const name of Object.keys(branches)) {
    const { buffer: all, overflow: usual } = settings.get(name) ?? refuseName(name);
    const own = readOptions(`branch "${name}"`, branches[name], branchShape);
    settings.set(name, { buffer: own.buffer ?? all, overflow: own.overflow ?? usual });
  }
  const fan = new Fan<T>(flow, settings, { operator: 'copy', runtime, events, stalledMs, detach }, (delivery) => {
    const readers = fan.names;
    const transaction = new Transaction([delivery], readers.size);
    for (const name of readers) {
      const { value } = delivery;
      // Whoever is full and must not be may have ended all in the meantime.
      fan.put(name, new Derived(value, delivery, transaction));
    }
  });
  return fan.flows() as Branches<T, N>;
}
