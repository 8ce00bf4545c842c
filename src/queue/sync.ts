import pLimit from 'p-limit';
import { having, check, readOptions } from '../core/options.ts';
import { onAbort, signalRule } from '../core/signals.ts';
import type { JobHandle } from './job-handle.ts';

/** One thing that is to be done. */
export interface WorkItem {
  /** Which. */
  readonly id: string;
}

/** Where work comes from: the book's work-source interface. */
export interface WorkSource<D> {
  /**
   * The ids of all that is to be done and not done yet.
   *
   * @param signal - ends the listing
   */
  list(signal: AbortSignal): AsyncIterable<WorkItem> | Iterable<WorkItem>;
  /** What is to be done, for one id. */
  get(id: string): Promise<D>;
  /** It was done: the source need not list it any more. */
  done?(id: string): Promise<void>;
}

/** What a {@link WorkQueue.sync} has found. */
export interface SyncReport {
  /** How many were listed. */
  readonly listed: number;
  /** How many of them the queue did not have yet. */
  readonly added: number;
}

const sourceRule = having<WorkSource<never>>('a work source with list and get', 'list', 'get');
const never = new AbortController().signal;

/** @internal See {@link WorkQueue.sync}. */
export async function syncFrom<D, R>(
  source: WorkSource<D>,
  options: { readonly signal?: AbortSignal } | undefined,
  has: (id: string) => boolean,
  add: (data: D, id: string) => Promise<JobHandle<D, R>>,
): Promise<SyncReport> {
  check('source', source, sourceRule);
  const { signal = never } = readOptions('sync', options, { signal: signalRule });
  const limit = pLimit(8);
  const pending = new Set<Promise<void>>();
  let listed = 0;
  let added = 0;
  const take = async (id: string): Promise<void> => {
    if (signal.aborted || has(id)) return;
    const handle = await add(await source.get(id), id);
    if (handle.duplicate) return;
    added++;
    if (source.done !== undefined) void handle.result.then(() => source.done!(id)).catch(() => undefined);
  };
  for await (const { id } of source.list(signal)) {
    if (signal.aborted) break;
    listed++;
    const taken = limit(() => take(id));
    pending.add(taken);
    taken.then(
      () => pending.delete(taken),
      () => undefined, // told below
    );
    if (pending.size >= 64) await endedBy(signal, Promise.race(pending));
  }
  await endedBy(signal, Promise.all(pending));
  signal.throwIfAborted();
  return { listed, added };
}

/** Goes on without what is waited for when the signal aborts: for room, or for a source that does not answer. */
async function endedBy(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  let unlink = (): void => undefined;
  const aborted = new Promise<void>((resolve) => {
    unlink = onAbort(signal, () => {
      resolve();
    });
  });
  await Promise.race([work, aborted]).finally(() => {
    unlink();
  });
}
