/**
 * A process with a journal, until it is killed: accepts jobs and works. `fill` begins with so many new ones, `drain` ends
 * when there is nothing left. It tells what it has been promised, and what it runs before it says that it is done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalQueueStore } from '../../../src/queue/stores/journal.ts';

const [folder = '', first = '', jobs = ''] = process.argv.slice(2);
const tell = (message: unknown): Promise<unknown> => new Promise((resolve) => process.send!(message, resolve));
const store = new JournalQueueStore<{ readonly n: number }>(folder, { segmentBytes: 4_096 });
await store.open();
await tell('open');

async function put(n: number): Promise<void> {
  const [result] = await store.put([{ id: String(n), data: { n } }], { max: 10_000, overflow: 'reject' });
  if (result!.status === 'added') await tell({ accepted: String(n) });
}

async function work(): Promise<void> {
  for (;;) {
    const leased = await store.pull(3, 60_000);
    if (leased.length === 0) {
      if (jobs === '0') break;
      await sleep(1);
    }
    for (const { id, fence, attempt, crashes } of leased) {
      await tell({ ran: id, attempt, crashes, fence: Number(fence) });
      await sleep(1);
      await store.settle([{ id, fence, kind: 'done' }]);
      await tell({ done: id });
    }
  }
}

await Promise.all([...Array.from({ length: Number(jobs) }, (_, i) => put(Number(first) + i)), work()]);
await store.close();
process.disconnect();
