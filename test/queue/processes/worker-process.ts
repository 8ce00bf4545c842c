/**
 * A process with a queue, until it is killed: adds so many jobs and works on all there are. It tells what it was promised,
 * what it runs, and what it is told to be done. The first message starts it, the second ends it in order.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkQueue } from '../../../src/queue/index.ts';
import { type StoreKind, storeOf } from './store-of.ts';

const [kind = '', where = '', first = '', jobs = ''] = process.argv.slice(2);
const tell = (message: unknown): Promise<unknown> => new Promise((resolve) => process.send!(message, resolve));

process.once('disconnect', () => process.exit());
await tell('ready');
await once(process, 'message');

const queue = new WorkQueue<string, string>(
  async (data, { id, attempt, crashes, fence }) => {
    await tell({ ran: id, attempt, crashes, fence: String(fence) });
    await sleep(2);
    return data;
  },
  // Whoever is killed twice of twenty times is no poison here.
  { store: await storeOf(kind as StoreKind, where), workers: 4, maxCrashes: 100, lease: { ms: 800, renewMs: 200 } },
);
queue.on('done', ({ id }) => void tell({ done: id }));
queue.on('dead', ({ id, reason }) => void tell({ dead: id, reason }));
process.once('message', () => void queue.close().then(() => process.disconnect()));

await Promise.all(
  Array.from({ length: Number(jobs) }, async (_, i) => {
    const id = `job ${String(Number(first) + i)}`;
    await sleep(i * 3);
    await queue.add(id, { id });
    await tell({ accepted: id });
  }),
);
