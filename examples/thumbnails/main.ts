/** A folder of images is made into thumbnails by as many threads as it takes; half-way their process is killed. */
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seededRandom } from 'holdfast/testing';
import jpeg from 'jpeg-js';
import { example } from '../support/example.ts';
import { Processes } from '../support/processes.ts';
import type { Message } from './thumbnailer-process.ts';

const names = Array.from({ length: 20 }, (_, i) => `image-${i + 1}.jpg`);
const [width, height, bad] = [160, 120, 'image-3.jpg'];

/** The picture of a name: a colour of its own, with grain. */
function paint(name: string): Buffer {
  const random = seededRandom(name);
  const colour = [200 * random(), 200 * random(), 200 * random(), 255];
  const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => colour[i % 4]! + 50 * random());
  return jpeg.encode({ width, height, data }, 85).data;
}

/** Whether it is a thumbnail; throws when it was cut off. */
const isWhole = (bytes: Buffer): boolean => jpeg.decode(bytes, { tolerantDecoding: false }).width === width / 4;

await example(async ({ say, check, defer, makeFolder }) => {
  const [images, thumbnails, journal] = [await makeFolder(), await makeFolder(), await makeFolder()];
  for (const name of names) await writeFile(join(images, name), paint(name));
  await truncate(join(images, bad), 900);
  const processes = new Processes<Message>();
  defer(() => processes.close());

  let most = 0;
  /** Starts a process and says how it stands, until so many jobs and threads are left. */
  const run = async (id: string, jobs: number, threads: number) => {
    processes.start(id, new URL('thumbnailer-process.ts', import.meta.url), images, thumbnails, journal);
    const { missing, added, redriven } = await processes.next('listed');
    say(`the ${id} process: ${missing} thumbnails are missing, ${added} jobs are new, ${redriven} were dead`);
    for (let last = ''; ;) {
      const { left, dead, ...now } = await processes.next('stands');
      most = Math.max(most, now.threads);
      const tenths = Math.floor((10 * (names.length - left - dead.length)) / names.length);
      const line = `  ${10 * tenths} % done, threads: ${now.threads}${dead.map((name) => `, dead: ${name}`).join('')}`;
      if (line !== last) say((last = line));
      if (left <= jobs && now.threads <= threads) return { added, redriven, dead: dead.join() };
    }
  };
  /** How many thumbnails are there, and how many of them whole. */
  const inspect = async (): Promise<readonly [number, number]> => {
    const files = (await readdir(thumbnails)).filter((name) => !name.endsWith('.tmp'));
    const contents = await Promise.all(files.map((name) => readFile(join(thumbnails, name))));
    return [files.length, contents.filter(isWhole).length];
  };

  await run('first', names.length / 2, Infinity);
  processes.signal('first', 'SIGKILL');
  await processes.ended();
  const [there, whole] = await inspect();
  check(there < names.length && whole === there, `killed half-way: ${whole} of ${there} thumbnails there are whole`);
  const second = await run('second', 0, 0);
  check(second.added === 0, 'no job was new: the journal had one for each thumbnail that was missing');
  check(most > 1, `there were up to ${most} threads, and in the end none`);
  check(second.dead === bad, `one image cannot be read: ${second.dead}`);
  await writeFile(join(images, bad), paint(bad));
  const third = await run('third', 0, 0);
  check(third.redriven === 1 && third.dead === '', 'it is mended, and has its turn again');
  const ends = (await processes.ended()).join(', ');
  check(ends === 'SIGKILL, 1, 0', `so have the three processes ended: ${ends}`);
  const all = (await inspect())[1];
  check(all === names.length, `${all} of ${names.length} thumbnails are there and whole`);
  check((await readdir(thumbnails)).length === all, 'and nothing else is');
});
