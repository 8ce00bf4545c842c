/* The store that a child process of a test is told to use. */
import { MemoryQueueStore, type QueueStore } from '../../../src/queue/index.ts';
import { JournalQueueStore } from '../../../src/queue/stores/journal.ts';
import { type Kind, openEnds, OwnBullStore } from '../stores/bull.ts';

export type StoreKind = 'memory' | 'journal' | Kind;

/** `where`: the folder, or the address of the server. */
export async function storeOf(kind: StoreKind, where: string): Promise<QueueStore<string>> {
  if (kind === 'memory') return new MemoryQueueStore();
  if (kind === 'journal') return new JournalQueueStore(where, { segmentBytes: 4_096 });
  return new OwnBullStore(await openEnds(kind, where, 'killed-queue', 100));
}
