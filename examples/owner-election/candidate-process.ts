/** One of several equal processes. The one that is elected compacts; the others wait until it is their turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Election } from 'holdfast/election';
import { FileLeaseStore } from 'holdfast/election/file';
import type { Entries } from './table.ts';

/** What a candidate tells. */
export type Message =
  | { readonly kind: 'elected'; readonly token: string }
  | { readonly kind: 'compacting'; readonly segment: number }
  | { readonly kind: 'lost'; readonly reason: string };

const tell = (message: Message): unknown => process.send?.(message);
const [id = '', folder = '', table = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit()); // never outlives the process that started it
// A leader that vanished is followed after about `ttlMs`: short, so that the example is. The default is 10 s.
const timing = { ttlMs: 1_200, renewMs: 250, requestMs: 350 };
const election = new Election(new FileLeaseStore(folder), { name: 'compaction', id, ...timing });
election.on('elected', ({ term }) => tell({ kind: 'elected', token: String(term.token) }));
election.on('lost', ({ reason }) => tell({ kind: 'lost', reason }));

await election.run(async (term) => {
  for (;;) {
    const response = await fetch(`${table}/next`, { signal: term.signal });
    const work = (await response.json()) as { segment: number; entries: Entries } | null;
    if (work === null) return; // all is done: the body returns in office, and `run` with it
    await term.guard(async (token) => {
      tell({ kind: 'compacting', segment: work.segment });
      await sleep(100); // large segments take a while; whoever stands still in here writes too late
      const compacted = [...new Map(work.entries)];
      const headers = { 'x-token': String(token) };
      await fetch(`${table}/${work.segment}`, { method: 'PUT', headers, body: JSON.stringify(compacted) });
    }); // throws when the term has ended meanwhile: then `run` stands for election again
  }
});
await election.close();
process.disconnect();
