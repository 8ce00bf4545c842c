import { isInvalidOption } from '../core/errors.ts';
import { xxh64 } from '../hashing/index.ts';
import { hostileIds } from './placement-cases.ts';
import { ensure, ensureSame } from './ensure.ts';
import type { Promised } from './placement-law.ts';

const plain = { seed: 0n, hasher: xxh64 };

/** @internal By what is promised; each is run once. */
export const examples: Readonly<Record<string, (promised: Promised) => void>> = {
  'has nothing to give without nodes or without weight'({ make }) {
    for (const nodes of [[], [{ id: 'a', weight: 0 }]]) {
      const placement = make(nodes, plain);
      ensure(placement.get('k') === undefined, 'there is an owner');
      ensureSame([...placement.rank('k'), ...placement.getN('k', 3)], [], 'the ranking and nothing');
      ensure(placement.size === nodes.length, 'the size', placement.size);
      ensureSame(
        [...placement.ownership().values()],
        nodes.map(() => 0),
        'the shares and zeros',
      );
    }
  },

  'gives everything to a single node, as it was given'({ make }) {
    const node = { id: 'only', address: 'http://only' };
    const placement = make([node], plain);
    for (let i = 0; i < 50; i++) ensure(placement.get(`k${String(i)}`) === node, 'the owner is not the node given');
    ensureSame([...placement.ownership()], [['only', 1]], 'the shares and one');
  },

  'knows hostile ids as any others'({ make }) {
    const placement = make(hostileIds, plain);
    ensureSame([...placement.nodes.keys()].sort(), [...hostileIds].sort(), 'the ids known and given');
    ensureSame([...placement.ownership().keys()].sort(), [...hostileIds].sort(), 'the ids with shares and given');
    for (const id of hostileIds) {
      ensure(!placement.without(id).nodes.has(id), 'an id cannot be removed', id);
      ensure(placement.withWeight(id, 2).nodes.get(id)?.weight === 2, 'an id cannot be reweighted', id);
    }
  },

  'places a key of a megabyte'({ make }) {
    const placement = make(['a', 'b', 'c'], plain);
    const long = 'k'.repeat(1_000_000);
    ensureSame(placement.get(long)?.id, placement.get(new TextEncoder().encode(long))?.id, 'as a string and as bytes');
  },

  'refuses what is no node, no key, no count and no option'({ make }) {
    const bad = [
      7,
      null,
      {},
      { id: 7 },
      '\ud800',
      { id: 'a\udfff' },
      ...[Number.NaN, -1, Infinity, -Infinity, 1e7, Number.MAX_VALUE, '1', null].map((weight) => ({ id: 'a', weight })),
    ];
    const placement = make(['a'], plain);
    for (const node of bad as never[]) {
      ensure(
        refused(() => make([node], plain)),
        'a bad node was taken',
        node,
      );
      ensure(
        refused(() => placement.with(node)),
        'a bad node was added',
        node,
      );
    }
    ensure(
      refused(() => make(['a', { id: 'a' }], plain)),
      'two nodes of one id were taken',
    );
    ensure(
      refused(() => placement.withWeight('unknown', 1)),
      'an unknown id was reweighted',
    );
    ensure(
      refused(() => placement.withWeight('a', -1)),
      'a bad weight was taken',
    );
    for (const key of [undefined, null, 7, {}, [1]] as never[]) {
      ensure(refused(() => placement.get(key)) && refused(() => placement.rank(key)), 'a bad key was taken', key);
    }
    for (const count of [-1, 1.5, Number.NaN, '2'] as never[])
      ensure(
        refused(() => placement.getN('k', count)),
        'a bad count was taken',
        count,
      );
    ensure(
      refused(() => placement.getN('k', 1, { spread: 'rack' } as never)),
      'a bad spread was taken',
    );
  },
};

function refused(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch (error) {
    return isInvalidOption(error);
  }
}
