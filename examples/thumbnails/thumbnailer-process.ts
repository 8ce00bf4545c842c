/** Makes thumbnails of a folder of images. Killed at any moment and started again, it goes on where it was. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WorkQueue, type WorkSource } from 'holdfast/queue';
import { JournalQueueStore } from 'holdfast/queue/journal';
import { ThreadPool } from 'holdfast/queue/threads';

/** What it tells: what it has found, then how it stands after each thumbnail and whenever threads come or go; `dead`: given up. */
export type Message =
  | { readonly kind: 'listed'; readonly missing: number; readonly added: number; readonly redriven: number }
  | { readonly kind: 'stands'; readonly left: number; readonly threads: number; readonly dead: readonly string[] };

const [, images = '', thumbnails = '', journal = ''] = process.argv.slice(2);
const tell = (message: Message): unknown => process.send?.(message);
process.once('disconnect', () => process.exit()); // never outlives the process that started it
// What a killed process was writing has its temporary name still.
for (const name of readdirSync(thumbnails)) if (name.endsWith('.tmp')) rmSync(join(thumbnails, name));

type Task = Readonly<Record<'from' | 'to', string>>;
/** What is to be done: images without a thumbnail. The name is the id of the job: what the queue has is not added again. */
const folder: WorkSource<Task> = {
  list: () => readdirSync(images).flatMap((id) => (existsSync(join(thumbnails, id)) ? [] : { id })),
  get: async (id) => ({ from: join(images, id), to: join(thumbnails, id) }),
};

const filename = new URL('thumbnail-thread.mjs', import.meta.url); // JavaScript, which needs none of our Node's flags
const queue = new WorkQueue(new ThreadPool<Task, void>({ filename, execArgv: [] }), {
  store: new JournalQueueStore(journal),
  workers: { min: 0, max: 3 },
  retry: { attempts: 2, backoff: { baseMs: 20 } }, // in earnest more, and later: a disk may be full
  // Quick to come and to go, so that the example is short: by default a start must be worth it, and is kept for 10 s.
  elastic: { drainMs: 250, windowMs: 1_000, coldStarts: 0 },
  paused: true, // until the folder is listed: what is done meanwhile would be added once more
});
const dead: string[] = [];
const stand = (): void => {
  const { waiting, delayed, leased, workers } = queue.stats();
  tell({ kind: 'stands', left: waiting + delayed + leased, threads: workers, dead });
};
queue.on('dead', ({ id }) => dead.push(id));
for (const event of ['done', 'dead', 'scale'] as const) queue.on(event, stand);

const { listed, added } = await queue.sync(folder); // a service would do this every so often
const redriven = await queue.dead.redrive(); // sync leaves the dead alone, but their images may have been mended
tell({ kind: 'listed', missing: listed, added, redriven });
stand();
queue.resume();
await queue.onIdle();
while (queue.stats().workers > 0) await new Promise((resolve) => queue.once('scale', resolve));
await queue.close();
process.exitCode = dead.length > 0 ? 1 : 0;
process.disconnect();
