import PQueue from 'p-queue';
import { PQueuePool } from '../../../src/queue/pools/pqueue.ts';
import { ProcessPool } from '../../../src/queue/pools/processes.ts';
import { TaskPool } from '../../../src/queue/pools/tasks.ts';
import { ThreadPool } from '../../../src/queue/pools/threads.ts';
import { filename, poolSuite } from './contract.ts';
import handler from './fixtures/worker.mjs';

poolSuite('TaskPool', { isolated: false, counts: false }, () => new TaskPool(handler));
poolSuite(
  'PQueuePool',
  { isolated: false, counts: true },
  () => new PQueuePool(new PQueue({ concurrency: 4 }), handler),
);
poolSuite('ThreadPool', { isolated: true, counts: true }, () => new ThreadPool({ filename }));
poolSuite('ProcessPool', { isolated: true, counts: true }, () => new ProcessPool({ filename }));
