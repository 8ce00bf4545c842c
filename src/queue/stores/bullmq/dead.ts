import type { DeadJob, DeadJobs } from '../../queue-store.ts';
import { type BullBackend, granted } from './client.ts';
import { bullId } from './names.ts';
import { deadJob, parsed, recordOf, seal } from './record.ts';

/** So many are asked for at once. */
const page = 100;

/** @internal BullMQ's failed jobs. One page of calls after the other. */
export class BullDeadJobs<D> implements DeadJobs<D> {
  readonly #backend: () => BullBackend;

  constructor(backend: () => BullBackend) {
    this.#backend = backend;
  }

  async *list(): AsyncGenerator<DeadJob<D>> {
    for (const ids of pages(await this.#ids())) {
      const found = await Promise.all(ids.map(async (id) => [id, await this.#backend().getJobData(id)] as const));
      for (const [id, json] of found) if (json !== undefined) yield deadJob<D>(id, json);
    }
  }

  redrive(ids?: readonly string[]): Promise<number> {
    return this.#each(ids, async (id) => {
      const backend = this.#backend();
      const json = await backend.getJobData(id);
      if (json === undefined) return false;
      const record = recordOf<D>(parsed(json));
      const job = { id, opts: { attempts: 1 } };
      const redrives = (record.redrives ?? 0) + 1;
      // BullMQ forgets its attempts, but not who was lost; nor may the old deadline bury it again.
      const fresh = { ...record, redrives, forgiven: json.stalledCounter, expiresAt: undefined };
      await backend.updateData(job, seal(fresh));
      return granted(() => backend.retryFinishedJob(job, 'failed', { resetAttemptsMade: true }));
    });
  }

  purge(ids?: readonly string[]): Promise<number> {
    return this.#each(ids, async (id) => (await this.#backend().remove(id, false)) > 0);
  }

  /** Does it to those that are dead, and counts them. */
  async #each(ids: readonly string[] | undefined, act: (id: string) => Promise<boolean>): Promise<number> {
    let count = 0;
    for (const some of pages(ids === undefined ? await this.#ids() : [...new Set(ids)].map(bullId))) {
      const done = await Promise.all(
        some.map(async (id) => (await this.#backend().getState(id)) === 'failed' && (await act(id))),
      );
      count += done.filter(Boolean).length;
    }
    return count;
  }

  /** The oldest first. */
  async #ids(): Promise<readonly string[]> {
    return (await this.#backend().getRanges(['failed'], 0, -1, true)).flat();
  }
}

function* pages(ids: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < ids.length; from += page) yield ids.slice(from, from + page);
}
