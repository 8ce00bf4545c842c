/* Queues of BullMQ for tests, on either backend. */
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { BullMQQueueStore, type BullQueue, type BullWorker } from '../../../src/queue/stores/bullmq.ts';
import { type Program, type Server, startPostgres, startRedis } from '../../support/servers.ts';

/** What a test needs of both ends of a queue. */
export interface BullEnds {
  readonly queue: BullQueue;
  readonly worker: BullWorker;
  close(): Promise<void>;
}

export type Kind = 'Redis' | 'PostgreSQL';

export const programs: Readonly<Record<Kind, readonly Program[]>> = {
  Redis: ['redis-server'],
  PostgreSQL: ['postgres', 'initdb'],
};

export const startServer = (kind: Kind): Promise<Server> => (kind === 'Redis' ? startRedis() : startPostgres());

/** Both ends of a queue, as a process would have them. */
export async function openEnds(kind: Kind, url: string, name: string, stalledInterval = 40): Promise<BullEnds> {
  const [queue, worker] =
    kind === 'Redis' ? overRedis(url, name, stalledInterval) : overPostgres(url, name, stalledInterval);
  queue.on('error', () => undefined);
  worker.on('error', () => undefined);
  await queue.waitUntilReady();
  await worker.waitUntilReady();
  return {
    queue,
    worker,
    async close() {
      await worker.close(true);
      await queue.close();
    },
  };
}

function overRedis(url: string, name: string, stalledInterval: number) {
  const connection = { url, retryStrategy: () => 50 };
  return [new Queue(name, { connection }), new Worker(name, null, { connection, stalledInterval })] as const;
}

function overPostgres(url: string, name: string, stalledInterval: number) {
  const connection = { connectionString: url, migrate: true, max: 4 };
  return [
    new Queue(name, { connection }, createPostgresBackend),
    new Worker(name, null, { connection, stalledInterval }, createPostgresBackend),
  ] as const;
}

/** A store that closes its ends. */
export class OwnBullStore<D> extends BullMQQueueStore<D> {
  readonly #ends: BullEnds;

  constructor(ends: BullEnds) {
    super(ends.queue, ends.worker);
    this.#ends = ends;
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#ends.close();
  }
}
