import type { ShardRouter } from 'holdfast/sharding';
import type { Shard } from './cluster.ts';
import type { Document } from './documents.ts';
import { callLeaf, type Replica, within } from './leaf-client.ts';
import type { CopyRequest, DropRequest } from './protocol.ts';
import type { ReadShard } from './shard-reader.ts';

const copyMs = 1_000;

/**
 * Keeps copies of documents where the router says that they may be read: brings them when a document is hot, and takes them
 * away when it has cooled. The router acts when it is asked something, and so does this.
 *
 * A leaf that a copy does not reach is no failure: whoever reads there and finds none {@link Copies.bring | brings} it.
 */
export class Copies {
  readonly #router: ShardRouter<Shard>;
  readonly #read: ReadShard;

  constructor(router: ShardRouter<Shard>, read: ReadShard) {
    this.#router = router;
    this.#read = read;
    router.on('hot', ({ key, added }) => {
      this.#spread(String(key), added).catch(() => undefined);
    });
    router.on('retired', ({ key, nodes }) => {
      for (const shard of nodes) void this.#drop(String(key), shard);
    });
  }

  /** Brings a copy to one leaf of a shard. Never rejects. */
  async bring(document: Document, shard: Shard, leaf: Replica): Promise<void> {
    await send(leaf, '/copies', { documents: [document] } satisfies CopyRequest);
    // One that was on its way for so long that the document has cooled would be forgotten there.
    if (!this.#router.write(document.id).includes(shard)) await this.#drop(document.id, shard);
  }

  /** Copies a document from its own shard to all leaves of others. */
  async #spread(id: string, shards: readonly Shard[]): Promise<void> {
    const [own] = this.#router.replicas(id);
    const { text } = await this.#read(own!)(id, { deadline: copyMs });
    if (text === null) return;
    await Promise.all(shards.flatMap((shard) => shard.leaves().map((leaf) => this.bring({ id, text }, shard, leaf))));
  }

  async #drop(id: string, shard: Shard): Promise<void> {
    await Promise.all(shard.leaves().map((leaf) => send(leaf, '/copies/drop', { ids: [id] } satisfies DropRequest)));
  }
}

async function send(leaf: Replica, path: string, body: object): Promise<void> {
  await callLeaf(leaf, path, within(copyMs), body).catch(() => undefined);
}
