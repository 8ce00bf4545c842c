/**
 * Photos of a street. A photo is a line of text here: `_` is road, a face is `☺`, and a car is a run of the letter of its colour,
 * with a plate in the middle. So the detector is a stand-in for a model; but it sees what it says, and nothing else.
 */
import { all, count, histogram } from 'holdfast/flow';
import { seededRandom } from 'holdfast/testing';

export interface Photo {
  readonly id: string;
  readonly batch: string;
  readonly pixels: string;
}
export interface Vehicle {
  readonly kind: string;
  readonly colour: string;
}
/** A photo that may be kept: without faces and plates. */
export interface Tagged extends Photo {
  readonly vehicles: readonly Vehicle[];
}

const colours: Readonly<Record<string, string>> = { r: 'red', b: 'blue', w: 'white', k: 'black' };
/** How many pixels there are on each side of the plate. */
const sizes: Readonly<Record<number, string>> = { 2: 'car', 3: 'van', 5: 'truck' };

/** Whether somebody can be told by it. */
export const isPersonal = (pixels: string): boolean => /[A-Z]{2}\d{3}|☺/.test(pixels);

export const blur = (pixels: string): string =>
  pixels.replaceAll(/[A-Z]{2}\d{3}|☺/g, (seen) => '░'.repeat(seen.length));

/** What is on a photo that was blurred: the same whenever it is asked. */
export const detect = (pixels: string): Vehicle[] =>
  Array.from(pixels.matchAll(/(([a-z])\2*)░{5}\1/g), ([, side = '', letter = '']) => ({
    kind: sizes[side.length]!,
    colour: colours[letter]!,
  }));

/** What is counted of vehicles: mergeable, in any order and in any pieces. */
export const statistics = all({
  vehicles: count(),
  kinds: histogram(({ kind }: Vehicle) => kind),
  colours: histogram(({ colour }: Vehicle) => colour),
});

/** Photos of some batches, the same each time. */
export function street(batches: number, size: number): Photo[] {
  const random = seededRandom('street');
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const vehicle = (): string => {
    const side = one(Object.keys(colours)).repeat(Number(one(Object.keys(sizes))));
    return `${side}${one(['AB', 'KX', 'ZZ'])}${100 + Math.floor(900 * random())}${side}`;
  };
  return Array.from({ length: batches * size }, (_, i) => ({
    id: `photo-${i + 1}`,
    batch: `batch-${(i % batches) + 1}`,
    pixels: Array.from({ length: 5 }, () => one(['', '☺', vehicle()])).join('__'),
  }));
}
