/** What the search does about leaves that are silent or fail: over real HTTP, with leaves in this process. */
import { createServer, type Server } from 'node:http';
import { LoadBalancer } from 'holdfast/balancing';
import { afterEach, expect, test } from 'vitest';
import { analyse } from '../../examples/search/analysis.ts';
import type { Shard } from '../../examples/search/cluster.ts';
import { extraAttempts, statusOfExtra } from '../../examples/search/extra-attempts.ts';
import { listen } from '../../examples/search/http.ts';
import { callLeaf, type Replica, within } from '../../examples/search/leaf-client.ts';
import { createLeafServer } from '../../examples/search/leaf-server.ts';
import { type Answer, gatherStatistics, SearchRoot } from '../../examples/search/root.ts';
import { shardReader } from '../../examples/search/shard-reader.ts';

const documents = [{ id: 'notes', text: 'a bee' }];
const signal = new AbortController().signal;
const slowMs = 2_000;

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function start(id: string, server: Server): Promise<Replica> {
  servers.push(server);
  return { id, url: `http://127.0.0.1:${String(await listen(server, 0))}` };
}

const broken = (): Server => createServer((_, response) => response.writeHead(500).end('{"error":"broken"}'));

/** A shard with two leaves, and who searches in it and reads from it. */
async function openShard() {
  const leaves = [await start('s/a', createLeafServer()), await start('s/b', createLeafServer())];
  for (const leaf of leaves)
    await callLeaf(leaf, '/documents', within(10_000), { token: '1', documents: documents.map(analyse) });
  const replicas = new LoadBalancer<Replica>(leaves, { acceptEmpty: true });
  const shard: Shard = { id: 's', replicas, leaves: () => leaves };
  const [searches, reads] = [extraAttempts(), extraAttempts()];
  const root = new SearchRoot([shard], await gatherStatistics([shard], signal), {
    deadlineMs: 10_000,
    extra: searches,
  });
  const search = async (): Promise<Answer> => {
    const answer = await root.search('bee', 10, signal);
    expect(answer).toMatchObject({ total: 1, partial: false });
    return answer;
  };
  return { leaves, replicas, root, search, searches, reads, read: shardReader(reads)(shard) };
}

/** Both leaves are asked, so each has its turn: the balancer tries whom it knows nothing of. */
async function until(search: () => Promise<Answer>, holds: (answer: Answer) => boolean): Promise<Answer> {
  for (;;) {
    const answer = await search();
    if (holds(answer)) return answer;
  }
}

test('the delay is learnt from searches, and a slow leaf is hedged within the budget', async () => {
  const { leaves, search, searches } = await openShard();
  expect(statusOfExtra(searches)).toMatchObject({ hedgeAfterMs: null, budget: { originals: 0, extras: 0 } });
  for (let i = 0; i < 40; i++) await search();
  const { hedgeAfterMs, budget } = statusOfExtra(searches);
  expect(hedgeAfterMs).toBeGreaterThanOrEqual(10);
  expect(hedgeAfterMs).toBeLessThan(slowMs / 2);
  for (const leaf of leaves) await callLeaf(leaf, '/delay', within(10_000), { ms: leaf === leaves[0] ? slowMs : 0 });
  const { ms } = await until(search, ({ attempts }) => attempts.hedgesWon === 1);
  expect(ms).toBeLessThan(slowMs);
  expect(statusOfExtra(searches).budget.extras).toBeGreaterThan(budget.extras);
});

test('a leaf that fails is followed by the other at once, in a search and in a read', async () => {
  const { leaves, replicas, search, searches, read, reads } = await openShard();
  replicas.update([await start('s/broken', broken()), leaves[1]!]);
  const { attempts } = await until(search, (answer) => answer.attempts.retries > 0);
  expect(attempts).toMatchObject({ originals: 1, retries: 1 });
  expect(statusOfExtra(searches).budget.extras).toBe(1);
  replicas.update([await start('s/as broken', broken()), leaves[1]!]);
  while (statusOfExtra(reads).budget.extras === 0) expect((await read('notes')).leaf).toBe(leaves[1]);
});

test('a shard without leaves costs the others nothing of the budget', async () => {
  const { replicas, root, searches, read, reads } = await openShard();
  replicas.update([]);
  await expect(root.search('bee', 10, signal)).rejects.toThrow('s (none of its leaves serves)');
  await expect(read('notes')).rejects.toMatchObject({ code: 'NO_MEMBERS' });
  for (const extra of [searches, reads]) expect(statusOfExtra(extra).budget).toMatchObject({ extras: 0, refused: 0 });
});
