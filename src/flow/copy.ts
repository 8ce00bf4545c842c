import { boolean, check, object, oneOf, readOptions } from '../core/options.ts';
import type { Flow } from './delivery.ts';
import { fan, namesRule, type Overflow } from './fan.ts';
import type { OperatorOptions } from './operator.ts';
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
export interface LaneOptions extends OperatorOptions {
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

const copyShape = { ...laneShape, ...branchShape, branches: object(), detach: boolean };

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
  check('names', names, namesRule);
  const { branches, buffer, overflow, ...settings } = readOptions('copy', options, copyShape);
  const own = readOptions('branches', branches, Object.fromEntries(names.map((name) => [name, object()])));
  const lanes = names.map((name) =>
    Object.assign({ name, buffer, overflow }, readOptions(`branch "${name}"`, own[name], branchShape)),
  );
  return fan<T>('copy', flow, lanes, settings, (delivery, open, put) => {
    const { value } = delivery;
    const readers = [...open.values()];
    const transaction = new Transaction([delivery], readers.length);
    // Whoever is full and must not be may have ended all in the meantime.
    for (const reader of readers) put(reader, new Derived(value, delivery, transaction));
  }) as Branches<T, N>;
}
