import { Child } from './child.ts';
import type { IndexerSetup, Orders, Report } from './indexer-protocol.ts';

/** One indexer process. */
export class IndexerProcess extends Child {
  /** @param onReport - told what the indexer reports; nothing after its end */
  constructor(setup: IndexerSetup, onReport: (report: Report) => void) {
    super(new URL('./indexer.ts', import.meta.url), JSON.stringify(setup));
    this.onMessage((message) => {
      onReport(message as Report);
    });
  }

  order(orders: Orders): void {
    this.send(orders);
  }

  /** Lets one that stands still go on. */
  wake(): void {
    this.write('\n');
  }
}
