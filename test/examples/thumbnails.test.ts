import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jpeg from 'jpeg-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { limitMs, runExample } from './run-example.ts';

test(
  'a folder of thumbnails, made by threads that come and go, and killed half-way',
  async () => {
    const printed = await runExample('thumbnails');
    expect(printed).toMatch(/^the first process: 20 thumbnails are missing, 20 jobs are new, 0 were dead$/m);
    expect(printed).toMatch(
      /^ {2}0 % done, threads: 0\n(?: {2}\d+ % done, threads: \d(?:, dead: image-3\.jpg)?\n)+ok /m,
    );
    expect(printed).toMatch(/^ok {5}killed half-way: (\d+) of \1 thumbnails there are whole$/m);
    expect(printed).toMatch(/^the second process: \d+ thumbnails are missing, 0 jobs are new, [01] were dead$/m);
    expect(printed).toMatch(/^ {2}90 % done, threads: 0, dead: image-3\.jpg$/m); // a dead job is none that is done
    expect(printed).toMatch(/^ok {5}one image cannot be read: image-3\.jpg$/m);
    expect(printed).toMatch(/^the third process: 1 thumbnails are missing, 0 jobs are new, 1 were dead$/m);
    expect(printed).toMatch(/^ok {5}so have the three processes ended: SIGKILL, 1, 0$/m);
    expect(printed).toMatch(/^ {2}100 % done, threads: 0$/m);
    expect(printed).toMatch(/^ok {5}there were up to [23] threads, and in the end none$/m);
    expect(printed).toMatch(/^ok {5}20 of 20 thumbnails are there and whole$/m);
  },
  limitMs,
);

const { default: makeThumbnail } = (await import(
  String(new URL('../../examples/thumbnails/thumbnail-thread.mjs', import.meta.url))
)) as { default: (task: { from: string; to: string }, context: { fence: bigint }) => void };

let folder = '';
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'thumbnails-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Two colours side by side, and two more pixels each way than make up whole squares. */
function picture(): Buffer {
  const [width, height] = [66, 34];
  const [left, right] = [
    [200, 40, 40, 255],
    [40, 40, 200, 255],
  ] as const;
  const data = Buffer.from(
    Array.from({ length: 4 * width * height }, (_, i) => (((i / 4) | 0) % width < 32 ? left : right)[i % 4]!),
  );
  return jpeg.encode({ width, height, data }, 95).data;
}

test('a thumbnail is the picture, four times smaller', () => {
  const [from, to] = [join(folder, 'a.jpg'), join(folder, 'small.jpg')];
  writeFileSync(from, picture());
  makeThumbnail({ from, to }, { fence: 1n });
  const { width, height, data } = jpeg.decode(readFileSync(to), { tolerantDecoding: false });
  expect([width, height]).toEqual([16, 8]);
  const red = (x: number, y: number): number => data[4 * (y * width + x)]!;
  for (let y = 0; y < height; y++) {
    for (const x of [0, 1, 5]) expect(red(x, y)).toBeGreaterThan(170);
    for (const x of [10, 14, 15]) expect(red(x, y)).toBeLessThan(70);
  }
});

test('it takes the place of another in one step, and leaves nothing else', () => {
  const [from, to, kept] = [join(folder, 'a.jpg'), join(folder, 'small.jpg'), join(folder, 'kept')];
  writeFileSync(from, picture());
  writeFileSync(to, 'what was there');
  linkSync(to, kept);
  makeThumbnail({ from, to }, { fence: 1n });
  expect(readFileSync(kept, 'utf8')).toBe('what was there'); // another file, not the same one written over
  expect(readFileSync(to).length).toBeGreaterThan(100);
  expect(readdirSync(folder).sort()).toEqual(['a.jpg', 'kept', 'small.jpg']);
});

test('of an image that is cut off there is no thumbnail', () => {
  const [from, to] = [join(folder, 'a.jpg'), join(folder, 'small.jpg')];
  writeFileSync(from, picture().subarray(0, -40));
  expect(() => makeThumbnail({ from, to }, { fence: 1n })).toThrow();
  expect(existsSync(to)).toBe(false);
  expect(readdirSync(folder)).toEqual(['a.jpg']);
});
