import type { SeededRandom } from '../seeded-random.ts';
import { HeapTimer, TimerHeap } from '../timer-heap.ts';

/** Events of one instant and one origin keep their order in so many low bits; the tie between origins has those above. */
const orders = 2 ** 33;
const ties = 2 ** 20;

/**
 * @internal What is going to happen, by virtual time. Of the events of one instant, those of one origin (a node's timers, a
 * link's messages) come in the order in which they were added; which origin comes first is chance: a function of the seed,
 * the origin and the instant, so that taking an event out leaves the order of the others.
 */
export class EventQueue {
  readonly #heap = new TimerHeap();
  readonly #salt: number;
  #added = 0;
  #nowMs = 0;

  constructor(salt: number) {
    this.#salt = salt;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get nextMs(): number | undefined {
    return this.#heap.first?.dueMs;
  }

  /** What is due in the past is due now. */
  add(dueMs: number, origin: number, fn: () => void): HeapTimer {
    const atMs = Math.max(this.#nowMs, dueMs);
    const tie = mix(this.#salt ^ origin, atMs) % ties;
    const event = new HeapTimer(this.#heap, atMs, tie * orders + this.#added++, fn);
    this.#heap.add(event);
    return event;
  }

  /** Takes the next event and moves time to it. */
  take(): () => void {
    const event = this.#heap.first!;
    this.#heap.delete(event);
    this.#nowMs = event.dueMs;
    return event.fn;
  }

  moveTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** 32 bits of all that goes in: the finaliser of MurmurHash3. */
function mix(salt: number, ms: number): number {
  double[0] = ms;
  let h = Math.imul(salt ^ words[0]!, 0x85ebca6b) ^ words[1]!;
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 13), 0x85ebca6b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** @internal A number for an origin of events, by its name alone: it does not matter who else there is. */
export function originOf(random: SeededRandom): number {
  return Math.floor(random.stream('origin')() * 2 ** 32);
}
