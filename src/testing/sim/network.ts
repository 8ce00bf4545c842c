import type { SeededRandom } from '../seeded-random.ts';
import { copyOf } from './copy.ts';
import { type EventQueue, originOf } from './event-queue.ts';
import type { LinkState } from './link-options.ts';
import type { Trace } from './trace.ts';

/**
 * What became of the messages, calls and answers: `sent + duplicated = delivered + lost + cut + unheard + inFlight`, at any
 * moment.
 */
export interface NetworkCounts {
  /** Handed to the network. */
  readonly sent: number;
  /** Copies that it made. */
  readonly duplicated: number;
  /** Reached a process. */
  readonly delivered: number;
  /** Those of the delivered that came after one that was sent later on the same link. */
  readonly reordered: number;
  /** Lost by chance. */
  readonly lost: number;
  /** Stopped by a partition that was there when they were sent, or came while they were under way. */
  readonly cut: number;
  /** Came to a node that was down. */
  readonly unheard: number;
  /** On the way, or waiting at a paused node. */
  readonly inFlight: number;
}

/** @internal A rule for some links, of two sets of names; a later one comes before an earlier one. */
export interface LinkRule {
  readonly from: ReadonlySet<string>;
  readonly to: ReadonlySet<string>;
  readonly state: Partial<LinkState>;
}

/** @internal Where messages arrive. `enter` runs its argument when the process is able to, and says whether there is one. */
export interface Station {
  readonly name: string;
  enter(arrive: () => void, lost: () => void): void;
}

interface Link {
  readonly name: string;
  readonly origin: number;
  readonly from: string;
  readonly to: string;
  readonly chance: Readonly<Record<'loss' | 'duplicate' | 'reorder' | 'delay' | 'detour', SeededRandom>>;
  state: LinkState;
  sent: number;
  inFlight: number;
  /** How often it has been cut. */
  cuts: number;
  /** The last instant at which one in line arrives. */
  lineMs: number;
  /** The number of the latest that was delivered. */
  latest: number;
}

type Counter = Exclude<keyof NetworkCounts, 'inFlight'>;

/** @internal Messages from station to station, over links with faults; each link has its own chance for each fault. */
export class Network {
  readonly #queue: EventQueue;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  readonly #usual: LinkState;
  readonly #rules = new Set<LinkRule>();
  readonly #links = new Map<string, Map<string, Link>>();
  readonly #counts: Record<Counter, number> = {
    sent: 0,
    duplicated: 0,
    delivered: 0,
    reordered: 0,
    lost: 0,
    cut: 0,
    unheard: 0,
  };
  #inFlight = 0;

  constructor(queue: EventQueue, random: SeededRandom, trace: Trace, usual: LinkState) {
    this.#queue = queue;
    this.#random = random;
    this.#trace = trace;
    this.#usual = usual;
  }

  get counts(): NetworkCounts {
    return { ...this.#counts, inFlight: this.#inFlight };
  }

  addRule(rule: LinkRule): void {
    this.#rules.add(rule);
    this.#refresh();
  }

  /** Whether it was there. */
  deleteRule(rule: LinkRule): boolean {
    const was = this.#rules.delete(rule);
    if (was) this.#refresh();
    return was;
  }

  heal(): void {
    for (const rule of this.#rules) if (rule.state.cut === true) this.#rules.delete(rule);
    this.#refresh();
  }

  /**
   * Sends a payload, copied now; `arrive` gets it in the receiving process. Always the same draws, whatever the faults: the
   * n-th message of a link has the same luck.
   *
   * @throws DataCloneError
   */
  send(from: string, to: Station, what: string, payload: unknown, arrive: (payload: unknown) => void): void {
    const link = this.#link(from, to.name);
    const { state, chance } = link;
    const load = { inFlight: link.inFlight + 1, sinceMs: this.#queue.nowMs };
    const lost = chance.loss() < state.loss;
    const twice = chance.duplicate() < state.duplicate;
    const strays = chance.reorder() < state.reorder;
    const delayMs = Math.max(0, state.delay(chance.delay, load)) + state.extraMs;
    const detourMs = Math.max(0, state.delay(chance.detour, load));
    const number = ++link.sent;
    const message = copyOf(payload);
    this.#counts.sent++;
    if (state.cut || lost) {
      this.#drop(state.cut ? 'cut' : 'lost', link, what, message);
      return;
    }
    const { nowMs } = this.#queue;
    const spare = twice ? copyOf(message) : undefined;
    if (!strays) link.lineMs = Math.max(link.lineMs, nowMs + delayMs);
    this.#carry(link, number, strays ? nowMs + delayMs + detourMs : link.lineMs, to, what, message, arrive);
    if (!twice) return;
    this.#counts.duplicated++;
    this.#carry(link, number, nowMs + delayMs + detourMs, to, what, spare, arrive);
  }

  #carry(
    link: Link,
    number: number,
    atMs: number,
    to: Station,
    what: string,
    message: unknown,
    arrive: (payload: unknown) => void,
  ): void {
    const leave = (): void => {
      link.inFlight--;
      this.#inFlight--;
    };
    const { cuts } = link;
    link.inFlight++;
    this.#inFlight++;
    this.#queue.add(atMs, link.origin, () => {
      if (link.cuts > cuts) {
        leave();
        this.#drop('cut', link, what, message);
        return;
      }
      to.enter(
        () => {
          leave();
          this.#counts.delivered++;
          if (number < link.latest) this.#counts.reordered++;
          else link.latest = number;
          this.#trace.add(this.#queue.nowMs, link.name, what, message);
          arrive(message);
        },
        () => {
          leave();
          this.#drop('unheard', link, what, message);
        },
      );
    });
  }

  #drop(why: 'lost' | 'cut' | 'unheard', link: Link, what: string, message: unknown): void {
    this.#counts[why]++;
    this.#trace.add(this.#queue.nowMs, link.name, `${why}: ${what}`, message);
  }

  #link(from: string, to: string): Link {
    let row = this.#links.get(from);
    if (row === undefined) this.#links.set(from, (row = new Map<string, Link>()));
    let link = row.get(to);
    if (link === undefined) row.set(to, (link = this.#open(from, to)));
    return link;
  }

  #open(from: string, to: string): Link {
    const name = `${from} > ${to}`;
    const chance = this.#random.stream(from).stream(to);
    return {
      name,
      origin: originOf(chance),
      from,
      to,
      chance: {
        loss: chance.stream('loss'),
        duplicate: chance.stream('duplicate'),
        reorder: chance.stream('reorder'),
        delay: chance.stream('delay'),
        detour: chance.stream('detour'),
      },
      state: this.#stateOf(from, to),
      sent: 0,
      inFlight: 0,
      cuts: 0,
      lineMs: 0,
      latest: 0,
    };
  }

  #refresh(): void {
    for (const row of this.#links.values()) {
      for (const link of row.values()) {
        const state = this.#stateOf(link.from, link.to);
        if (state.cut && !link.state.cut) link.cuts++;
        link.state = state;
      }
    }
  }

  #stateOf(from: string, to: string): LinkState {
    let state = this.#usual;
    for (const rule of this.#rules) {
      if (rule.from.has(from) && rule.to.has(to)) state = { ...state, ...rule.state };
    }
    return state;
  }
}
