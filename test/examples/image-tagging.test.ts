import fc from 'fast-check';
import { monoidLaws } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { blur, detect, isPersonal, statistics, street, type Vehicle } from '../../examples/image-tagging/photos.ts';
import { runs } from '../support/properties.ts';
import { limitMs, runExample } from './run-example.ts';

test(
  'a worker is killed, and what is counted is what is there',
  async () => {
    const printed = await runExample('image-tagging');
    // The photos are a function of a seed: the same in each run.
    const counts = '163 vehicles: 48 car, 57 truck, 58 van; 37 black, 45 blue, 43 red, 38 white';
    expect(printed).toMatch(/^worker-\d: the process has ended: by SIGKILL; another takes its place$/m);
    expect(printed.match(/^batch-\d is whole: 16 photos/gm)).toHaveLength(6);
    expect(printed).toContain(`\ncounted  ${counts}\nexpected ${counts}\n`);
    expect(printed).toMatch(/^ok {5}1 worker was lost, and 96 of 96 photos are acknowledged$/m);
    expect(printed).toMatch(/^ok {5}0 of 96 photos show a face or a plate$/m);
    expect(printed).toMatch(/^ok {5}0 originals are left$/m);
  },
  limitMs,
);

const colours = { r: 'red', b: 'blue', w: 'white', k: 'black' } as const;
const kinds = { 2: 'car', 3: 'van', 5: 'truck' } as const;
const vehicle = fc
  .record({
    letter: fc.constantFrom('r', 'b', 'w', 'k'),
    side: fc.constantFrom(2, 3, 5),
    plate: fc.stringMatching(/^[A-Z]{2}\d{3}$/),
  })
  .map(({ letter, side, plate }) => ({
    pixels: `${letter.repeat(side)}${plate}${letter.repeat(side)}`,
    seen: [{ kind: kinds[side], colour: colours[letter] }] as Vehicle[],
  }));
const other = fc.constantFrom('☺', '_', '☺☺').map((pixels) => ({ pixels, seen: [] as Vehicle[] }));
const scene = fc.array(fc.oneof(vehicle, other), { maxLength: 8 }).map((things) => ({
  pixels: things.map(({ pixels }) => pixels).join('__'),
  seen: things.flatMap(({ seen }) => seen),
}));

test('what is on a photo is seen on the blurred one, and nobody can be told by it', () => {
  fc.assert(
    fc.property(scene, ({ pixels, seen }) => {
      const blurred = blur(pixels);
      expect(detect(blurred)).toEqual(seen);
      expect(isPersonal(blurred)).toBe(false);
      expect(isPersonal(pixels)).toBe(pixels.includes('☺') || seen.length > 0);
      expect(blurred).toHaveLength(pixels.length);
    }),
    { numRuns: runs(10) },
  );
});

test('the photos of a street are the same each time, and there is something to hide on most', () => {
  const photos = street(6, 16);
  expect(street(6, 16)).toEqual(photos);
  expect(photos.filter(({ pixels }) => isPersonal(pixels)).length).toBeGreaterThan(80);
  expect(new Set(photos.map(({ id }) => id)).size).toBe(96);
  for (const batch of new Set(photos.map((photo) => photo.batch)))
    expect(photos.filter((photo) => photo.batch === batch)).toHaveLength(16);
});

test('the statistics can be reduced in any order and in any pieces', () => {
  monoidLaws(
    statistics,
    Object.values(kinds).flatMap((kind) => Object.values(colours).map((colour) => ({ kind, colour }))),
  );
});
