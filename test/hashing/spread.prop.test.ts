import fc from 'fast-check';
import { Rendezvous } from 'holdfast/hashing';
import { expect, it } from 'vitest';
import { runs, seed } from '../support/properties.ts';

it('deals nodes out by zone: the best of each, then the second best of each, in the order of the key', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', undefined), { maxLength: 12 }),
      fc.string(),
      fc.nat(14),
      (zones, key, count) => {
        const placement = new Rendezvous(
          zones.map((zone, i) => ({ id: `n${String(i)}`, ...(zone !== undefined && { zone }) })),
        );
        const ranked = [...placement.rank(key)];
        const turnOf = (place: number): number =>
          ranked.slice(0, place).filter(({ zone }) => zone === ranked[place]!.zone).length;
        const dealt = ranked
          .map((node, place) => ({ node, place, turn: turnOf(place) }))
          .sort((a, b) => a.turn - b.turn || a.place - b.place)
          .map(({ node }) => node);
        // As many turns as it takes: who asks for no more nodes than there are zones gets the first of each.
        expect(placement.getN(key, count, { spread: 'zone' })).toEqual(dealt.slice(0, count));
      },
    ),
    { seed, numRuns: runs(5) },
  );
});
