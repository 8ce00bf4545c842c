import { HoldfastError } from '../core/errors.ts';
import { describe } from '../core/options.ts';
import type { Key } from './key.ts';
import { type MigrationMove, moveWith } from './migration-moves.ts';
import { type MigrationPlan, planMigration } from './migration-plan.ts';
import type { Placement, PlacementNode } from './placement.ts';

/** What tells a move of one plan from another's: a {@link MigrationMove}, or what came back of it from JSON. */
export interface MoveLike {
  /** The first place. */
  readonly from: number;
  /** The first place beyond. */
  readonly to: number;
  /** The node that gives. */
  readonly source?: Pick<PlacementNode, 'id'> | undefined;
  /** The node that takes. */
  readonly target?: Pick<PlacementNode, 'id'> | undefined;
}

/**
 * Where to read and to write while keys go from one placement to another; see {@link transition}.
 *
 * Until a move is committed its source alone has every acknowledged write of its keys, so a migration may be given up;
 * from then on its target alone has.
 */
export interface Transition<N extends PlacementNode = PlacementNode> {
  /** The placement that keys lay by. Right for every key only until the first commit. */
  readonly before: Placement<N>;
  /** The placement to go on with once {@link Transition.done}; right for every key only then. */
  readonly after: Placement<N>;
  /** What has to be moved. */
  readonly plan: MigrationPlan<N>;
  /** Whether every move is committed: true from the start when nothing has to move. */
  readonly done: boolean;
  /** The moves that are not committed yet, ascending. O(moves). */
  readonly remaining: readonly MigrationMove<N>[];
  /**
   * The nodes to ask for a key, one after another until one has it: the new owner and then the old, the new one alone
   * where they are the same or the move is committed. Empty when nobody owns the key. O(log moves).
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  read(key: Key): N[];
  /**
   * The nodes that must all have a write before it is acknowledged: the new owner and the old, the new one alone where
   * they are the same or the move is committed. A removal is a write, of a tombstone. O(log moves).
   *
   * @param key - string or bytes
   * @throws `TypeError` with code `INVALID_OPTION` when the key is neither
   */
  write(key: Key): N[];
  /**
   * Says that a move's keys are copied: they are now read from and written to the target alone. May be repeated, and told
   * from a log in any order: a move is known by its range and the ids of its nodes.
   *
   * @param move - a move of the plan, or an equal one
   * @returns whether it was not committed before
   * @throws {@link HoldfastError} `INVALID_OPTION` for a move that is not of this plan
   */
  commit(move: MoveLike): boolean;
  /**
   * Whether a move is committed.
   *
   * @param move - a move of the plan, or an equal one
   * @throws {@link HoldfastError} `INVALID_OPTION` for a move that is not of this plan
   */
  committed(move: MoveLike): boolean;
}

/**
 * Guides a live migration, so that no key is unreadable on the way: reads try the new owner and then the old, writes go to
 * both, until the copy of a range is done and committed.
 *
 * Promises: a read finds the newest write that was acknowledged before it began, or a newer one, in any interleaving of
 * writes, reads, copies and commits, and with processes that learn of a commit at different times. As long as
 *
 * - every process reads and writes by the transition before the first copy begins, and the targets have nothing of the
 *   moved keys then (left from an earlier time, say);
 * - the newest version wins at each node: every write of a key has a higher version than those before, and a node refuses
 *   what is older than what it has (compare and set), also from the copier. Where the writes of a key never overlap, no
 *   versions are needed: a copier that stores only what the target has not (copy if absent, one step there) is enough;
 * - a removal leaves a tombstone, which is copied like a value, until the source is cleared: a removed key is otherwise
 *   found again at the source, or brought back by the copier;
 * - a move is committed after every key of its range was copied;
 * - the source keeps the range until every process has committed the move and the reads and writes from before are over.
 *
 * Does not copy, and does not remember: it is one process's view in memory. Log the committed moves with the fingerprints
 * of the placements, and commit them again after a restart. A copy that failed is begun again, nothing has to be undone.
 * To give up before the first commit, go on with `before` and clear what the targets have; after it, clear the sources of
 * the committed moves and begin a transition the other way, in which the moves that were not committed here can be
 * committed at once.
 *
 * Complexity: as `planMigration`; `read` and `write` O(log moves) beside the hash of the key.
 *
 * Source: the `WarmupRoute` of mcrouter and the `ReadFallback` of Buildbarn, with a commit for each range.
 *
 * @param before - the placement that keys lie by
 * @param after - the placement that they shall lie by
 * @throws {@link HoldfastError} `INVALID_OPTION` and `UNSUPPORTED`, as `planMigration`
 * @example
 * ```ts
 * import { SlotTable, transition } from 'holdfast/hashing';
 *
 * const before = new SlotTable(['db-a', 'db-b', 'db-c']);
 * const moving = transition(before, before.with('db-d'));
 * const ids = (nodes: { id: string }[]) => nodes.map(({ id }) => id);
 * ids(moving.read('user:42')) // => ['db-c']
 * ids(moving.read('user:46')) // => ['db-d', 'db-c']
 * ids(moving.write('user:46')) // => ['db-d', 'db-c']
 *
 * for (const move of moving.remaining) {
 *   // Copy the keys of move.from from move.source to move.target here, then:
 *   moving.commit(move);
 * }
 * ids(moving.read('user:46')) // => ['db-d']
 * moving.done // => true
 * ```
 */
export function transition<N extends PlacementNode>(before: Placement<N>, after: Placement<N>): Transition<N> {
  return new InMemoryTransition(before, after);
}

class InMemoryTransition<N extends PlacementNode> implements Transition<N> {
  readonly before: Placement<N>;
  readonly after: Placement<N>;
  readonly plan: MigrationPlan<N>;
  readonly #committed = new Set<MigrationMove<N>>();

  constructor(before: Placement<N>, after: Placement<N>) {
    this.before = before;
    this.after = after;
    this.plan = planMigration(before, after);
  }

  get done(): boolean {
    return this.#committed.size === this.plan.moves.length;
  }

  get remaining(): readonly MigrationMove<N>[] {
    return this.plan.moves.filter((move) => !this.#committed.has(move));
  }

  read(key: Key): N[] {
    return this.#nodesFor(key);
  }

  write(key: Key): N[] {
    return this.#nodesFor(key);
  }

  commit(move: MoveLike): boolean {
    const own = this.#own(move);
    const isNew = !this.#committed.has(own);
    this.#committed.add(own);
    return isNew;
  }

  committed(move: MoveLike): boolean {
    return this.#committed.has(this.#own(move));
  }

  #nodesFor(key: Key): N[] {
    const move = this.plan.moveOf(key);
    if (move === undefined) return present(this.after.get(key));
    return this.#committed.has(move) ? present(move.target) : present(move.target, move.source);
  }

  /** The plan's own move that equals the given. */
  #own(move: MoveLike | null | undefined): MigrationMove<N> {
    const { from, to, source, target }: Partial<MoveLike> = move ?? {};
    const own = typeof from === 'number' ? moveWith(this.plan.moves, from) : undefined;
    const same =
      own?.from === from && own?.to === to && own?.source?.id === source?.id && own?.target?.id === target?.id;
    if (own !== undefined && same) return own;
    throw new HoldfastError('INVALID_OPTION', `move must be one of the plan's moves, got ${describeMove(move)}`);
  }
}

function present<N>(...nodes: (N | undefined)[]): N[] {
  return nodes.filter((node) => node !== undefined);
}

function describeMove(move: unknown): string {
  if (typeof move !== 'object' || move === null) return describe(move);
  const { from, to, source, target } = move as Partial<MoveLike>;
  return `${describe(from)} to ${describe(to)} from ${describe(source?.id)} to ${describe(target?.id)}`;
}
