import fc from 'fast-check';
import { type MigrationMove, transition, type Transition } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { aimed, edgesOf, type Pair, pairs } from './migration-cases.ts';

const manyRuns = { numRuns: runs(10) };

/** What keeps a late arrival from taking the place of something newer. */
type Guard = 'versions' | 'one writer at a time, copy if absent';

/** A step of a reader, a writer or the copier; what lies between two steps may be anything. */
type Steps = Generator<undefined, void>;

/**
 * Nodes that hold values, two processes that each have a transition of their own, a copier, readers and writers, any of
 * which may be held up between any two steps. A value is its version.
 */
class World {
  readonly #nodes = new Map<string, Map<string, number>>();
  readonly #acknowledged = new Map<string, number>();
  readonly #writing = new Set<string>();
  /** Reads and writes under way. */
  readonly #underWay = new Set<object>();
  readonly #running: Steps[] = [];
  readonly #processes: readonly Transition[];
  readonly #keys: readonly string[];
  readonly #guard: Guard;
  #version = 0;

  constructor(pair: Pair, keys: readonly string[], guard: Guard) {
    this.#keys = keys;
    this.#guard = guard;
    this.#processes = [transition(pair.before, pair.after), transition(pair.before, pair.after)];
    for (const key of keys.filter((_, i) => i % 4 !== 3)) {
      const owner = pair.before.get(key);
      if (owner === undefined) continue;
      this.#put(owner.id, key, ++this.#version);
      this.#acknowledged.set(key, this.#version);
    }
    // Moves without keys need no copier.
    const full = new Set(keys.map((key) => this.#processes[0]!.plan.moveOf(key)));
    for (const process of this.#processes)
      for (const move of process.plan.moves)
        if (!this.#keys.some((key) => process.plan.moveOf(key) === move)) process.commit(move);
    for (const move of full) if (move !== undefined) this.#running.push(this.#copy(move));
  }

  /** One step of something that runs, or something new begins. */
  step(choice: number): void {
    const key = this.#keys[(choice >>> 4) % this.#keys.length]!;
    const process = this.#processes[(choice >>> 3) & 1]!;
    const kind = choice & 7;
    if (kind === 0) this.#running.push(this.#read(process, key));
    else if (kind === 1) this.#running.push(this.#write(process, key, (choice >>> 12) % 2 === 1));
    else this.#advance((choice >>> 3) % Math.max(1, this.#running.length));
  }

  /** Lets everything come to its end, and reads all. */
  finish(): void {
    for (let turn = 0; this.#running.length > 0; turn++) this.#advance(turn % this.#running.length);
    for (const process of this.#processes) {
      expect(process.done).toBe(true);
      expect(process.remaining).toEqual([]);
      for (const key of this.#keys) Array.from(this.#read(process, key));
    }
    // The source alone until the first commit, then the target alone: here all are committed.
    for (const key of this.#keys) {
      const owner = this.#processes[0]!.after.get(key);
      if (owner !== undefined)
        expect(this.#get(owner.id, key)).toBeGreaterThanOrEqual(this.#acknowledged.get(key) ?? 0);
    }
  }

  /** What would be lost if one gave up: nothing, for a move that nobody has committed. */
  checkSources(): void {
    for (const key of this.#keys) {
      const move = this.#processes[0]!.plan.moveOf(key);
      if (move?.source === undefined || this.#processes.some((process) => process.committed(move))) continue;
      expect(this.#get(move.source.id, key)).toBeGreaterThanOrEqual(this.#acknowledged.get(key) ?? 0);
    }
  }

  #advance(index: number): void {
    if (this.#running[index]?.next().done === true) this.#running.splice(index, 1);
  }

  *#read(process: Transition, key: string): Steps {
    const least = this.#acknowledged.get(key) ?? 0;
    const nodes = process.read(key);
    const ticket = {};
    this.#underWay.add(ticket);
    let found = 0;
    for (const { id } of nodes) {
      yield;
      found = this.#get(id, key);
      if (found > 0) break;
    }
    this.#underWay.delete(ticket);
    expect(found).toBeGreaterThanOrEqual(least);
  }

  *#write(process: Transition, key: string, turned: boolean): Steps {
    while (this.#guard !== 'versions' && this.#writing.has(key)) yield;
    this.#writing.add(key);
    const version = ++this.#version;
    const nodes = process.write(key);
    const ticket = {};
    this.#underWay.add(ticket);
    for (const { id } of turned ? nodes.reverse() : nodes) {
      yield;
      this.#put(id, key, version);
    }
    this.#writing.delete(key);
    this.#underWay.delete(ticket);
    if (nodes.length > 0) this.#acknowledged.set(key, Math.max(version, this.#acknowledged.get(key) ?? 0));
  }

  /** Copies, commits in one process after the other, waits for what began before, and clears the source. */
  *#copy(move: MigrationMove): Steps {
    const { source, target } = move;
    const plan = this.#processes[0]!.plan;
    const own = this.#keys.filter((key) => plan.moveOf(key) === move);
    for (const key of own) {
      if (source === undefined || target === undefined) break;
      yield;
      const version = this.#get(source.id, key);
      yield;
      if (version > 0 && (this.#guard === 'versions' || this.#get(target.id, key) === 0))
        this.#put(target.id, key, version);
    }
    for (const process of this.#processes) {
      yield;
      // As another process would tell it, and more than once.
      const told = JSON.parse(JSON.stringify(move)) as MigrationMove;
      expect(process.commit(told)).toBe(true);
      expect(process.commit(told)).toBe(false);
    }
    const before = [...this.#underWay];
    while (before.some((ticket) => this.#underWay.has(ticket))) yield;
    for (const key of own) if (source !== undefined) this.#nodes.get(source.id)?.delete(key);
  }

  #get(id: string, key: string): number {
    return this.#nodes.get(id)?.get(key) ?? 0;
  }

  #put(id: string, key: string, version: number): void {
    const values = this.#nodes.get(id) ?? new Map<string, number>();
    this.#nodes.set(id, values);
    if (this.#guard !== 'versions' || (values.get(key) ?? 0) < version) values.set(key, version);
  }
}

/** Keys of which most move: the first places of some moves, and some anywhere. */
function keysFor(pair: Pair, picks: readonly number[]): string[] {
  const { plan } = transition(pair.before, pair.after);
  const edges = edgesOf(plan);
  return [...new Set(picks.map((pick) => pair.keyAt(edges[pick % edges.length]!) as string)), aimed(12_345), 'user:42'];
}

describe('transition', () => {
  it.each<Guard>(['versions', 'one writer at a time, copy if absent'])(
    'finds the newest acknowledged write in any interleaving of reads, writes, copies and commits (%s)',
    (guard) => {
      fc.assert(
        fc.property(
          pairs,
          fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
          fc.array(fc.nat(), { maxLength: 150 }),
          (pair, picks, choices) => {
            // With nobody to own keys afterwards nothing can be kept.
            fc.pre(
              pair.after.ownership().size > 0 && [...pair.after.nodes.values()].some(({ weight }) => weight !== 0),
            );
            const world = new World(pair, keysFor(pair, picks), guard);
            for (const choice of choices) {
              world.step(choice);
              world.checkSources();
            }
            world.finish();
          },
        ),
        manyRuns,
      );
    },
  );

  it('reads the new owner and then the old, writes both, and the new one alone once committed', () => {
    fc.assert(
      fc.property(pairs, fc.array(fc.nat(), { minLength: 1, maxLength: 8 }), ({ before, after, keyAt }, order) => {
        const moving = transition(before, after);
        const { plan } = moving;
        const committed = new Set<MigrationMove>();
        for (const pick of order) {
          if (plan.moves.length > 0) {
            const move = plan.moves[pick % plan.moves.length]!;
            expect(moving.commit(move)).toBe(!committed.has(move));
            committed.add(move);
          }
          expect(moving.done).toBe(committed.size === plan.moves.length);
          expect(moving.remaining).toEqual(plan.moves.filter((move) => !committed.has(move)));
          for (const place of edgesOf(plan).slice(0, 40)) {
            const key = keyAt(place);
            const move = plan.moveOf(key);
            const both = move !== undefined && !committed.has(move);
            const was = before.get(key);
            const source = was && (after.nodes.get(was.id) ?? was);
            const expected = [after.get(key), both ? source : undefined].filter((node) => node !== undefined);
            const [read, write] = [moving.read(key), moving.write(key)];
            if (read.length !== expected.length || read.some((node, i) => node !== expected[i]))
              expect(read).toBe(expected);
            expect(write).toEqual(read);
            if (move !== undefined) expect(moving.committed(move)).toBe(!both);
          }
        }
      }),
      manyRuns,
    );
  });
});
