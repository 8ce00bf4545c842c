/**
 * The analyser: a process with a queue of documents in a journal, and threads that work it off. What it has taken outlives it.
 * Started by `intake.ts`.
 */
import { mkdirSync, readSync } from 'node:fs';
import { WorkQueue } from 'holdfast/queue';
import { JournalQueueStore } from 'holdfast/queue/journal';
import { ThreadPool } from 'holdfast/queue/threads';
import type { AnalyserReport, AnalyserSetup, Task } from './analyser-protocol.ts';
import type { Document } from './documents.ts';
import { messageOf } from './message.ts';
import { analysesIn, journalIn } from './places.ts';
import { removeFolder } from './remove-folder.ts';
import { endWithParent } from './with-parent.ts';

const { folder, standStillAt = Infinity } = JSON.parse(process.argv[2]!) as AnalyserSetup;
let analysed = 0;
// Here and not by the threads: they would make it again when it is removed at the end.
mkdirSync(analysesIn(folder), { recursive: true });

/** Resolves when the report is on its way. */
function tell(report: AnalyserReport): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(report, () => {
      resolve();
    });
  });
}

const pool = new ThreadPool<Document, boolean>({
  filename: new URL('./analyser-thread.mjs', import.meta.url),
  argv: [analysesIn(folder)],
});

const queue = new WorkQueue<Document, boolean>(pool, {
  // A document has 256 KiB at most: as JSON it is longer.
  store: new JournalQueueStore(journalIn(folder), { maxDataBytes: 2 * 1024 * 1024 }),
  // A thread computes, and it waits for the disk: more of them than processors.
  workers: { min: 0, max: 4 },
  // Shorter than a service would have them: the documents come in one burst, and the tour shows the end of the window.
  elastic: { drainMs: 250, windowMs: 2_000 },
  // Who kills the process again and again is not to be taken for a document that does.
  maxCrashes: 100,
});

queue.on('done', ({ id, attempt, value: wasKept }) => {
  void tell({ type: 'analysed', id, again: attempt > 1 || wasKept });
  if (++analysed === standStillAt) void tell({ type: 'stands' }).then(standStill);
});
queue.on('dead', ({ id, error }) => void tell({ type: 'failed', id, why: messageOf(error) }));
queue.on('scale', (change) => void tell({ type: 'scale', change, stats: queue.stats() }));
queue.on('storeError', ({ error }) => {
  end(error);
});
pool.on('degraded', ({ error }) => {
  end(error);
});

/** Blocks this thread, and with it the queue, until the process is killed. The threads beside it finish what they have. */
function standStill(): void {
  readSync(0, Buffer.alloc(1));
}

function end(error: unknown): never {
  console.error(`analyser: ${messageOf(error)}`);
  process.exit(1);
}

async function perform(task: Task): Promise<void> {
  if (task.type === 'finish') await queue.onIdle();
  // It has been accepted before, perhaps, and nobody has heard of it: the same id is the same job.
  else await Promise.all(task.documents.map((document) => queue.add(document, { id: document.id })));
  await tell({ type: 'answered', number: task.number });
}

// A parent that was killed cannot do it.
endWithParent(() => {
  removeFolder(folder);
});
process.on('message', (task) => {
  perform(task as Task).catch(end);
});
