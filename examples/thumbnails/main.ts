/** A folder of images is made into thumbnails by as many threads as it takes; half-way their process is killed. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from 'holdfast/testing';
import jpeg from 'jpeg-js';
import { example } from '../support/example.ts';
import { Processes } from '../support/processes.ts';
import type { Message } from './thumbnailer-process.ts';

const names = Array.from({ length: 20 }, (_, i) => `image-${i + 1}.jpg`);
const [width, height] = [160, 120];

/** The picture of a name: a colour of its own, with grain. */
function paint(name: string): Buffer {
  const random = seededRandom(name);
  const colour = [200 * random(), 200 * random(), 200 * random(), 255];
  const data = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => colour[i % 4]! + 50 * random());
  return jpeg.encode({ width, height, data }, 85).data;
}

/** Whether a thumbnail is whole: one that was cut off cannot be decoded. */
function isWhole(bytes: Buffer): boolean {
  try {
    return jpeg.decode(bytes, { tolerantDecoding: false }).width === width / 4;
  } catch {
    return false;
  }
}

await example(async ({ say, check, defer }) => {
  const folder = await mkdtemp(join(tmpdir(), 'thumbnails-'));
  defer(() => rm(folder, { recursive: true, force: true }));
  const [images, thumbnails, journal] = [join(folder, 'images'), join(folder, 'thumbnails'), join(folder, 'journal')];
  await Promise.all([mkdir(images), mkdir(thumbnails)]);
  for (const name of names) await writeFile(join(images, name), paint(name));
  const processes = new Processes<Message>();
  defer(() => processes.close());

  let most = 0;
  /** Starts a process and says how it stands, until so many jobs and threads are left; resolves with how many jobs were new. */
  const run = async (id: string, jobs: number, threads: number): Promise<number> => {
    processes.start(id, new URL('thumbnailer-process.ts', import.meta.url), images, thumbnails, journal);
    const { missing, added } = await processes.next('listed');
    say(`the ${id} process: ${missing} thumbnails are missing, ${added} jobs are new`);
    for (let last = ''; ;) {
      const now = await processes.next('stands');
      most = Math.max(most, now.threads);
      const tenths = Math.floor((10 * (names.length - now.left)) / names.length);
      const line = `  ${10 * tenths} % done, threads: ${now.threads}`;
      if (line !== last) say((last = line));
      if (now.left <= jobs && now.threads <= threads) return added;
    }
  };
  const inspect = async (): Promise<{ there: number; whole: number }> => {
    const files = (await readdir(thumbnails)).filter((name) => !name.endsWith('.tmp'));
    const contents = await Promise.all(files.map((name) => readFile(join(thumbnails, name))));
    return { there: files.length, whole: contents.filter(isWhole).length };
  };

  await run('first', names.length / 2, Infinity);
  processes.signal('first', 'SIGKILL');
  await processes.ended();
  const { there, whole } = await inspect();
  check(there < names.length && whole === there, `killed half-way: ${whole} of ${there} thumbnails there are whole`);
  check((await run('second', 0, 0)) === 0, 'no job was new: the journal had one for each thumbnail that was missing');
  check(most > 1, `there were up to ${most} threads, and in the end none`);
  check((await processes.ended()).join() === 'SIGKILL,0', 'one process was killed, the other ended by itself');
  const end = await inspect();
  check(end.whole === names.length, `${end.whole} of ${names.length} thumbnails are there and whole`);
  check((await readdir(thumbnails)).length === names.length, 'and nothing else is');
});
