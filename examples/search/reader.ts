import type { Call } from 'holdfast/calls';
import { shard, type ShardRouter } from 'holdfast/sharding';
import type { Shard } from './cluster.ts';
import { Copies } from './copies.ts';
import type { ExtraAttempts } from './extra-attempts.ts';
import { shardReader } from './shard-reader.ts';
import { reasonOf, UnavailableError } from './unavailable.ts';

/** A document that was opened, and where its text came from. */
export interface Opened {
  readonly id: string;
  readonly text: string;
  readonly shard: string;
  readonly leaf: string;
  /** The document's own shard; a copy on another; or the own shard, for the copy that was looked for was not there. */
  readonly source: 'own' | 'copy' | 'fallback';
  readonly ms: number;
}

export interface ReaderOptions {
  /** By when a document is there. */
  readonly deadlineMs: number;
  /** What is done about a leaf that is silent or fails. */
  readonly extra: ExtraAttempts;
}

/**
 * Opens documents: each on the shard that has it, a hot one also on the shards to which the router spreads it.
 *
 * A copy is a convenience. Where there is none, the document's own shard answers and the leaf gets the copy; where the own
 * shard is down, a copy that is there answers.
 */
export class DocumentReader {
  readonly #router: ShardRouter<Shard>;
  readonly #deadlineMs: number;
  readonly #open: Call<string, Omit<Opened, 'ms'> | undefined>;

  constructor(router: ShardRouter<Shard>, { deadlineMs, extra }: ReaderOptions) {
    this.#router = router;
    this.#deadlineMs = deadlineMs;
    const read = shardReader(extra);
    const copies = new Copies(router, read);
    this.#open = shard(router, {
      key: (id: string) => id,
      call: (chosen) => async (id, limits) => {
        const own = router.replicas(id)[0]!;
        const { leaf, text } = await read(chosen)(id, limits);
        const where = { id, shard: chosen.id, leaf: leaf.id };
        if (text !== null) return { ...where, text, source: chosen === own ? 'own' : 'copy' };
        if (chosen === own) return undefined;
        const original = await read(own)(id, limits);
        if (original.text === null) return undefined;
        void copies.bring({ id, text: original.text }, chosen, leaf);
        return { id, text: original.text, shard: own.id, leaf: original.leaf.id, source: 'fallback' };
      },
      onDown: 'next',
    });
  }

  /**
   * A document by its id; undefined when there is no such document.
   *
   * @throws {@link UnavailableError} when nobody who has it answers in time; the signal's reason when it aborts
   */
  async open(id: string, signal: AbortSignal): Promise<Opened | undefined> {
    const start = performance.now();
    try {
      const opened = await this.#open(id, { deadline: this.#deadlineMs, signal });
      return opened && { ...opened, ms: performance.now() - start };
    } catch (error) {
      signal.throwIfAborted();
      throw new UnavailableError([{ shard: this.#router.replicas(id)[0]!.id, why: reasonOf(error) }]);
    }
  }
}
