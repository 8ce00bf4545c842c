import { isInvalidOption, isUnsupported } from 'holdfast/core';
import { HashRing, type MoveLike, Rendezvous, SlotTable, transition } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';

const before = new SlotTable(['a', 'b', 'c'], { slots: 64 });
const after = before.with('d');
const idsOf = (nodes: readonly { readonly id: string }[]): string[] => nodes.map(({ id }) => id);

/** A key that moves, and one that stays. */
const [moves, stays] = ((): [string, string] => {
  const names = Array.from({ length: 1000 }, (_, i) => `k${String(i)}`);
  const isMoved = (key: string): boolean => before.get(key) !== after.get(key);
  return [names.find((key) => isMoved(key))!, names.find((key) => !isMoved(key))!];
})();

describe('transition', () => {
  it('asks the new owner, then the old, until the move is committed', () => {
    const moving = transition(before, after);
    const old = before.get(moves)!.id;
    expect(idsOf(moving.read(moves))).toEqual(['d', old]);
    expect(idsOf(moving.write(moves))).toEqual(['d', old]);
    expect(idsOf(moving.read(stays))).toEqual([before.get(stays)!.id]);
    expect(idsOf(moving.write(stays))).toEqual([before.get(stays)!.id]);
    const move = moving.plan.moveOf(moves)!;
    expect(moving.committed(move)).toBe(false);
    expect(moving.commit(move)).toBe(true);
    expect(moving.committed(move)).toBe(true);
    expect(idsOf(moving.read(moves))).toEqual(['d']);
    expect(idsOf(moving.write(moves))).toEqual(['d']);
    expect(moving.remaining).toEqual(moving.plan.moves.filter((each) => each !== move));
    expect([moving.before, moving.after]).toEqual([before, after]);
  });

  it('hands out lists that are the callers own', () => {
    const moving = transition(before, after);
    moving.read(moves).pop();
    moving.write(moves).reverse();
    expect(idsOf(moving.write(moves))).toEqual(['d', before.get(moves)!.id]);
  });

  it('is done from the start where nothing moves', () => {
    const moving = transition(before, before);
    expect(moving.done).toBe(true);
    expect(moving.remaining).toEqual([]);
    expect(idsOf(moving.read(moves))).toEqual([before.get(moves)!.id]);
  });

  it('goes on after a restart from a log, told in another order and twice', () => {
    const moving = transition(before, after);
    const [first, second] = moving.plan.moves;
    moving.commit(second!);
    moving.commit(first!);
    const log = JSON.stringify([first, second, first]);
    const restarted = transition(before, after);
    const told = (JSON.parse(log) as MoveLike[]).map((move) => restarted.commit(move));
    expect(told).toEqual([true, true, false]);
    expect(restarted.remaining).toEqual(moving.remaining);
  });

  it('goes back: what was not committed can be at once, the other way', () => {
    const there = transition(before, after);
    const [copied, ...rest] = there.plan.moves;
    there.commit(copied!);
    const back = transition(after, before);
    for (const { from, to, source, target } of rest) back.commit({ from, to, source: target, target: source });
    expect(back.remaining.map(({ from }) => from)).toEqual([copied!.from]);
  });

  it('says each node as it is now: one that stays may have another address', () => {
    const was = new SlotTable(
      [
        { id: 'a', url: 'old' },
        { id: 'b', url: 'old' },
      ],
      { slots: 64 },
    );
    const is = new SlotTable(
      [
        { id: 'a', url: 'new' },
        { id: 'c', url: 'new' },
      ],
      { slots: 64 },
    );
    const moving = transition(was, is);
    const names = Array.from({ length: 200 }, (_, i) => `k${String(i)}`);
    expect(
      new Set(
        names.map((key) =>
          moving
            .read(key)
            .map(({ id, url }) => `${id} ${url}`)
            .join(', '),
        ),
      ),
    ).toEqual(new Set(['a new', 'a new, b old', 'c new, b old', 'c new, a new']));
  });

  it('knows nobody: with no owner on one side it asks the other alone, with none on both nobody', () => {
    const [none, one] = [new HashRing([]), new HashRing(['a'])];
    expect(idsOf(transition(none, one).read('k'))).toEqual(['a']);
    const leaving = transition(one, none);
    expect(idsOf(leaving.write('k'))).toEqual(['a']);
    leaving.commit(leaving.plan.moves[0]!);
    expect(leaving.write('k')).toEqual([]);
    expect(transition(none, none).read('k')).toEqual([]);
  });
});

describe('transition refuses', () => {
  const moving = transition(before, after);
  const move: MoveLike = moving.plan.moves[0]!;
  it.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 3],
    ['an empty object', {}],
    ['another start', { ...move, from: move.from + 0.5 }],
    ['a start as text', { ...move, from: String(move.from) }],
    ['a start that is not a number', { ...move, from: Number.NaN }],
    ['a start outside', { ...move, from: -1 }],
    ['another end', { ...move, to: move.to + 1 }],
    ['another source', { ...move, source: { id: 'z' } }],
    ['no source', { ...move, source: undefined }],
    ['another target', { ...move, target: { id: 'z' } }],
  ])('%s for a move', (_, value) => {
    for (const ask of [moving.commit.bind(moving), moving.committed.bind(moving)]) {
      let error: unknown;
      try {
        ask(value as MoveLike);
      } catch (thrown) {
        error = thrown;
      }
      expect(isInvalidOption(error)).toBe(true);
      expect((error as Error).message).toMatch(/^move must be one of the plan's moves, got /);
    }
    expect(moving.remaining).toHaveLength(moving.plan.moves.length);
  });

  it.each<readonly [unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [3, '3'],
    [{}, 'undefined to undefined from undefined to undefined'],
    [{ from: 7, to: 9, source: { id: 'y' }, target: { id: 'z' } }, '7 to 9 from "y" to "z"'],
  ])('%o with what came', (value, got) => {
    expect(() => moving.commit(value as MoveLike)).toThrow(`move must be one of the plan's moves, got ${got}`);
  });

  it('placements that have no plan', () => {
    let error: unknown;
    try {
      transition(new Rendezvous(['a']), new Rendezvous(['b']));
    } catch (thrown) {
      error = thrown;
    }
    expect(isUnsupported(error)).toBe(true);
  });
});
