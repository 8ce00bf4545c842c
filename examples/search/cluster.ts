import { setTimeout as sleep } from 'node:timers/promises';
import { LoadBalancer } from 'holdfast/balancing';
import { Emitter } from 'holdfast/core';
import type { Replica } from './leaf-client.ts';
import { LeafProcess } from './leaf-process.ts';

/** A part of the documents, and who serves it. */
export interface Shard {
  readonly id: string;
  /** The replicas that have all of the shard's documents. */
  readonly replicas: LoadBalancer<Replica>;
  /** The same, one by one: for what each of them must get. */
  readonly leaves: () => readonly Replica[];
}

/** Has the documents of a shard brought to a leaf that has none, unless the signal aborts: then the leaf has ended. */
export type Fill = (replica: Replica, shard: string, signal: AbortSignal) => Promise<void>;

/** How it stands with one leaf. */
export interface LeafStatus {
  readonly id: string;
  readonly shard: string;
  readonly state: 'starting' | 'filling' | 'serving' | 'down';
  readonly pid?: number;
}

/** What happens to leaves. */
export interface ClusterEvents {
  /** A leaf has all documents of its shard, and is asked from now on. */
  up: LeafStatus;
  /** A leaf that served is gone, and is not asked any more. */
  down: LeafStatus & { readonly why: string };
}

/** The place of a leaf: processes come and go in it. */
interface Slot {
  readonly id: string;
  readonly shard: string;
  state: LeafStatus['state'];
  process?: LeafProcess;
  replica?: Replica;
}

const longestPauseMs = 5_000;
const failuresAtStart = 3;

/**
 * Leaf processes, so many for each shard: started, filled, watched, and started again when they end. A leaf is among the
 * replicas of its shard exactly while it is known to run and to have all of the shard's documents.
 */
export class Cluster extends Emitter<ClusterEvents> {
  readonly shards: readonly Shard[];
  readonly #slots: readonly Slot[];
  readonly #fill: Fill;
  /** Every process that may still run, whatever state its slot is in. */
  readonly #processes = new Set<LeafProcess>();
  readonly #closing = new AbortController();

  /** Nothing is started yet. */
  constructor(shardIds: readonly string[], replicasOfShard: number, fill: Fill) {
    super();
    this.#fill = fill;
    this.shards = shardIds.map((id) => {
      // Who is left is known here, not guessed: when nobody is, nobody is to be asked.
      const replicas = new LoadBalancer<Replica>([], { acceptEmpty: true });
      return { id, replicas, leaves: () => this.#leavesOf(id) };
    });
    this.#slots = shardIds.flatMap((shard) =>
      Array.from({ length: replicasOfShard }, (_, i): Slot => {
        return { id: `${shard}/${String.fromCharCode('a'.charCodeAt(0) + i)}`, shard, state: 'down' };
      }),
    );
  }

  /** Starts and fills all leaves. Rejects when one fails to serve several times, or the cluster is closed before. */
  async start(): Promise<void> {
    await Promise.all(
      this.#slots.map(
        (slot) =>
          new Promise<void>((resolve, reject) => {
            void this.#keepServing(slot, resolve, reject);
          }),
      ),
    );
  }

  status(): LeafStatus[] {
    return this.#slots.map(statusOf);
  }

  /** The leaves that serve a shard. */
  serving(shard: string): LeafStatus[] {
    return this.status().filter((leaf) => leaf.shard === shard && leaf.state === 'serving');
  }

  replica(id: string): Replica {
    const replica = this.#slots.find((slot) => slot.id === id)?.replica;
    if (replica === undefined) throw new Error(`${id} does not serve`);
    return replica;
  }

  /** Ends the process of a leaf. It comes back by itself. */
  kill(id: string): void {
    this.#slots.find((slot) => slot.id === id)?.process?.kill();
  }

  /** Ends all processes; resolves when there is none left. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the cluster is closed'));
    for (const process of this.#processes) process.kill();
    await Promise.all([...this.#processes].map((process) => process.exited));
  }

  /** One life of a leaf after the other, until the cluster is closed. */
  async #keepServing(slot: Slot, onServing: () => void, onHopeless: (error: unknown) => void): Promise<void> {
    const { signal } = this.#closing;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.#live(slot, onServing);
        failures = 0;
      } catch (error) {
        failures++;
        if (failures === failuresAtStart) onHopeless(error);
        await sleep(Math.min(longestPauseMs, 100 * 2 ** failures), undefined, { signal }).catch(() => undefined);
      }
    }
    onHopeless(signal.reason);
  }

  /** One life of a leaf, to its end. Rejects when it did not come to serve. */
  async #live(slot: Slot, onServing: () => void): Promise<void> {
    const process = new LeafProcess();
    this.#processes.add(process);
    slot.process = process;
    slot.state = 'starting';
    const ended = new AbortController();
    void process.exited.then((why) => {
      ended.abort(new Error(`${slot.id} has ended: ${why}`));
    });
    try {
      const replica: Replica = { id: slot.id, url: await process.listening };
      slot.state = 'filling';
      await this.#fill(replica, slot.shard, ended.signal);
      slot.state = 'serving';
      slot.replica = replica;
      this.#updateReplicas(slot.shard);
      onServing();
      this.emit('up', statusOf(slot));
      const why = await process.exited;
      const gone = statusOf(slot);
      this.#leave(slot);
      if (!this.#closing.signal.aborted) this.emit('down', { ...gone, state: 'down', why });
    } finally {
      this.#leave(slot);
      process.kill();
      await process.exited;
      this.#processes.delete(process);
    }
  }

  #leave(slot: Slot): void {
    slot.state = 'down';
    delete slot.process;
    delete slot.replica;
    this.#updateReplicas(slot.shard);
  }

  #updateReplicas(shard: string): void {
    this.shards.find(({ id }) => id === shard)?.replicas.update(this.#leavesOf(shard));
  }

  #leavesOf(shard: string): Replica[] {
    return this.#slots.flatMap((slot) => (slot.shard === shard && slot.replica ? [slot.replica] : []));
  }
}

function statusOf({ id, shard, state, process }: Slot): LeafStatus {
  return { id, shard, state, ...(process?.pid === undefined ? {} : { pid: process.pid }) };
}
