/*
 * Who owes what: the bookkeeping against which graphs of operators are judged. A value is some tags, each of them a piece of
 * one delivery of a source; operators that derive several outputs of one divide its tags.
 */
import type { Delivery } from 'holdfast/flow';
import type { VirtualClock } from 'holdfast/testing';

/** What flows through the graphs. The tags are asked for late: a barrier may still let parts join. */
export interface Item {
  readonly tags: () => readonly string[];
}

export const itemOf = (...tags: readonly string[]): Item => ({ tags: () => tags });

/** A number of a text, the same in every run. */
export function lot(text: string, salt: number, below: number): number {
  let hash = 2_166_136_261 ^ salt;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_519);
  return ((hash ^ (hash >>> 13)) >>> 0) % below;
}

export type Settled = 'ack' | 'nack';

/** What has become of an output: dealt with, dropped by intent, or taken by dead letters. */
export type Fate = 'acked' | 'dropped' | 'dead';

/** What the outputs of each delivery have come to. */
export class Ledger {
  /** Of each delivery of a source: how it was settled, each time that it was. */
  readonly settlements = new Map<string, Settled[]>();
  readonly #pieces = new Map<string, readonly string[]>();
  readonly #done = new Map<string, Fate>();

  divide(tag: string, suffixes: readonly string[]): readonly string[] {
    const pieces = suffixes.map((suffix) => `${tag}/${suffix}`);
    this.#pieces.set(tag, pieces);
    return pieces;
  }

  /** Of how many pieces a tag is one, the end of an expansion not counted. */
  siblings(tag: string): number {
    const [parent = ''] = /^.*(?=\/)/.exec(tag) ?? []; // of `S0:10` there is none
    const pieces = this.#pieces.get(parent);
    return pieces?.filter((piece) => !piece.endsWith('/end')).length ?? 1;
  }

  /** A tag shares the fate of another one. */
  follow(tag: string, leader: string): void {
    if (tag !== leader) this.#pieces.set(tag, [leader]);
  }

  /** Nothing more is to be done about an output. */
  done(item: Item, how: Fate): void {
    for (const tag of item.tags()) this.#done.set(tag, how);
  }

  /** Something is to be done about it after all. */
  reopen(item: Item): void {
    for (const tag of item.tags()) this.#done.delete(tag);
  }

  /** Whether nothing more is to be done about any output of a tag. */
  isDone(tag: string): boolean {
    const pieces = this.#pieces.get(tag);
    return pieces === undefined ? this.#done.has(tag) : pieces.every((piece) => this.isDone(piece));
  }
}

export interface SourcePlan {
  readonly length: number;
  readonly everyMs: number;
  readonly ending: 'ends' | 'fails' | 'hangs';
  /** What `return` does. */
  readonly closing: 'closes' | 'hangs' | 'rejects';
}

/** A source that says what became of its deliveries and how often it was closed. Hands over raw deliveries, which count. */
export class Source implements AsyncIterable<Delivery<Item>> {
  opened = 0;
  closed = 0;
  ended = false;
  readonly #name: string;
  readonly #plan: SourcePlan;
  readonly #ledger: Ledger;
  readonly #clock: VirtualClock;

  constructor(name: string, plan: SourcePlan, ledger: Ledger, clock: VirtualClock) {
    this.#name = name;
    this.#plan = plan;
    this.#ledger = ledger;
    this.#clock = clock;
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery<Item>> {
    this.opened++;
    const { length, everyMs, ending, closing } = this.#plan;
    let read = 0;
    return {
      next: async () => {
        if (everyMs > 0) await this.#clock.sleep(everyMs);
        if (read < length) return { done: false, value: this.#delivery(read++) };
        if (ending === 'hangs') await new Promise(() => undefined);
        this.ended = this.closed === 0;
        if (ending === 'fails') throw new Error(`${this.#name} is broken`);
        return { done: true, value: undefined };
      },
      return: async () => {
        this.closed++;
        if (closing === 'hangs') await new Promise(() => undefined);
        if (closing === 'rejects') throw new Error(`${this.#name} cannot be closed`);
        return { done: true, value: undefined };
      },
    };
  }

  #delivery(index: number): Delivery<Item> {
    const id = `${this.#name}:${String(index)}`;
    const settlements: Settled[] = [];
    this.#ledger.settlements.set(id, settlements);
    const settle = (how: Settled) => async (): Promise<void> => {
      settlements.push(how);
    };
    return { value: itemOf(id), id, attempt: 1, ack: settle('ack'), nack: settle('nack') };
  }
}
