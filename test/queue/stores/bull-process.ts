/** A process that works on a queue of BullMQ until it is killed; tells of what it holds, and of what it is about to settle. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Kind, openEnds, OwnBullStore } from './bull.ts';

const [kind, url = '', name = ''] = process.argv.slice(2);
const store = new OwnBullStore<number>(await openEnds(kind as Kind, url, name, 100));
const tell = (message: unknown): Promise<void> =>
  new Promise((resolve, reject) =>
    process.send!(message, (error: Error | null) => (error ? reject(error) : resolve())),
  );

await store.open();
process.once('message', () => void work());
process.once('disconnect', () => process.exit());
await tell('ready');

async function work(): Promise<void> {
  for (;;) {
    const jobs = await store.pull(6, 800);
    if (jobs.length === 0) await sleep(20);
    else await tell({ held: jobs.length });
    for (const job of jobs) {
      await sleep(3);
      await tell({ ran: job.id, data: job.data, crashes: job.crashes });
      await store.settle([{ ...job, kind: 'done' }]);
    }
  }
}
