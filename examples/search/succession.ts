/** Who leads the indexing, and what becomes of a leader that is lost. */
import type { Indexers } from './indexers.ts';
import { formatMs, plural } from './report.ts';

/** Tells who leads, what happens to leaders, and after what time another follows. `documentsNow`: so many are on the leaves. */
export function tellLeaders(indexers: Indexers, documentsNow: () => string, print: (line: string) => void): void {
  let lostAt: number | undefined;
  const lost = (): void => {
    lostAt ??= performance.now();
  };
  indexers.on('leads', ({ id, pid, token }) => {
    const after = lostAt === undefined ? '' : ` after ${formatMs(performance.now() - lostAt)}`;
    lostAt = undefined;
    print(`${id} (process ${pid ?? '?'}) leads${after}, token ${token}: ${documentsNow()}`);
  });
  indexers.on('stands', ({ id }) => {
    lost();
    print(`${id} stands still, between the check of its term and a write: ${documentsNow()}`);
  });
  indexers.on('killed', ({ id }) => {
    lost();
    print(`${id} gets SIGKILL: ${documentsNow()}`);
  });
  indexers.on('gone', ({ id, pid, leads, why }) => {
    if (leads) lost();
    print(`${id} (process ${pid ?? '?'}) is gone: ${why}`);
  });
  indexers.on('refused', ({ id, token, leaf, documents, why }) => {
    print(`${id} goes on, token ${token}: ${leaf} refuses its ${plural(documents, 'document')}, ${why}`);
  });
}

/**
 * Two leaders are lost while they index. The first stands still before a write, with a quarter of the documents indexed,
 * and goes on when another leads. The other is killed before its first write.
 *
 * @param copies - how many there are of all documents together
 */
export function loseLeaders(indexers: Indexers, copies: number): void {
  let first: string | undefined;
  indexers.standStillAt(Math.floor(copies / 4));
  indexers.on('stands', ({ id }) => {
    if (first !== undefined) indexers.standStillAt(Infinity);
    if (first === undefined) first = id;
    else indexers.kill(id);
  });
  const off = indexers.on('leads', ({ id }) => {
    if (first === undefined || id === first) return;
    indexers.wake(first);
    off();
  });
}
