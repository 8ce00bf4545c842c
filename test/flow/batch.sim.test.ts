import { expect, it } from 'vitest';
import { expected, tagPhotos } from './batch.ts';

const sum = (of: readonly ReadonlyMap<string, number>[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const counted of of) for (const [key, n] of counted) counts[key] = (counts[key] ?? 0) + n;
  return counts;
};

it.each([1, 2, 3, 4, 5])('a batch of photos under faults loses and miscounts nothing, seed %d', async (seed) => {
  const { tags, erased, done, dead, log } = await tagPhotos(seed, 6);
  const all = [...tags.values()];
  expect({ vehicles: sum(all.map((tag) => tag.vehicles)), colours: sum(all.map((tag) => tag.colours)) }).toEqual(
    expected(),
  );
  expect(new Set(erased).size).toBe(60);
  expect([done, dead]).toEqual([60, 0]);
  expect(log.some((line) => line.includes('failed'))).toBe(true);
});

it('replays bit for bit from its seed, and not from another one', async () => {
  const [one, same, other] = [await tagPhotos(7, 4), await tagPhotos(7, 4), await tagPhotos(8, 4)];
  expect(same).toEqual(one);
  expect(other.log).not.toEqual(one.log);
});
