/** An indexer: a process that stands for election, and fills the leaves while it leads. Started by `indexers.ts`. */
import { readSync } from 'node:fs';
import { Election } from 'holdfast/election';
import { FileLeaseStore } from 'holdfast/election/file';
import { Rendezvous } from 'holdfast/hashing';
import { readAnalyses } from './analyses.ts';
import { placeDocuments } from './batches.ts';
import type { IndexerSetup, Orders, Report } from './indexer-protocol.ts';
import { Indexing } from './indexing.ts';
import { Latest } from './latest.ts';
import { messageOf } from './message.ts';
import { analysesIn, leasesIn } from './places.ts';
import { removeFolder } from './remove-folder.ts';
import { endWithParent } from './with-parent.ts';

/** A leader that vanishes is followed after so long, and a little. A service would have it longer: see the guide. */
const ttlMs = 2_000;

const { id, folder, shards } = JSON.parse(process.argv[2]!) as IndexerSetup;
const orders = new Latest<Orders>({ leaves: [], standStillAt: Infinity });

/** Resolves when the report is on its way. */
function tell(report: Report): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(report, () => {
      resolve();
    });
  });
}

/** Blocks the whole process until the parent writes a byte or ends: a pause of a virtual machine is no different. */
function standStill(): void {
  readSync(0, Buffer.alloc(1));
}

// A parent that was killed cannot do it.
endWithParent(() => {
  removeFolder(folder);
});
process.on('message', (message) => {
  orders.set(message as Orders);
});

const election = new Election(new FileLeaseStore(leasesIn(folder)), {
  name: 'indexer',
  id,
  ttlMs,
  meta: { pid: process.pid },
});
await election
  .run(async (term) => {
    const documents = await readAnalyses(analysesIn(folder));
    const placed = placeDocuments(documents, new Rendezvous(shards));
    await new Indexing({ term, placed, orders, tell, standStill }).run();
  })
  .catch((error: unknown) => {
    console.error(`${id}: ${messageOf(error)}`);
    process.exit(1);
  });
