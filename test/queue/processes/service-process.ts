/**
 * A service with a queue, which SIGTERM shuts down as in the guide. Arguments: the store, its folder, what is to be done, and
 * the options of `close`. It tells on its output, one line of JSON each.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkQueue } from '../../../src/queue/index.ts';
import { type StoreKind, storeOf } from './store-of.ts';

const [kind = '', folder = '', jobs = '', options = '{}'] = process.argv.slice(2);
const tell = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
let allStarted = (): void => undefined;
const inFlight = new Promise<void>((resolve) => (allStarted = resolve));
const store = await storeOf(kind as StoreKind, folder);

const queue = new WorkQueue<string, string>(
  async (data, { attempt, crashes, signal }) => {
    tell({ ran: data, attempt, crashes });
    const [how] = data.split(' ');
    // The rest does not stop by itself, or not at all.
    if (how === 'quick') {
      await inFlight;
      await sleep(300);
    } else if (how !== 'now') {
      await new Promise((_, reject) => {
        if (how === 'stubborn') {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        }
      });
    }
    return data;
  },
  { store, workers: 64 },
);
queue.on('done', ({ value }) => {
  tell({ done: value });
});
process.once('SIGTERM', () => void queue.close(JSON.parse(options) as object).then((report) => tell({ report })));

await Promise.all((JSON.parse(jobs) as string[]).map((data) => queue.add(data)));
while (queue.stats().active < Math.min(64, (JSON.parse(jobs) as string[]).length)) await sleep(5);
allStarted();
tell({ files: kind === 'journal' ? readdirSync(folder).length : 0 });
// What a service has open: a port, say. SIGTERM closes it.
const open = setInterval(() => undefined, 1_000);
process.once('SIGTERM', () => {
  clearInterval(open);
});
