import { Heap } from './heap.ts';
import { Job } from './job.ts';
import type { Lane } from './keys.ts';
import { Ring } from './ring.ts';

type Entry<D> = Job<D> | Lane<Job<D>>;

/** The entries of one priority, first in, first out. One that has left the heap is not used again. */
class PriorityClass<D> {
  readonly priority: number;
  readonly entries = new Ring<Entry<D>>();
  /** The less, the sooner; that of its first entry, or of one that has left: never too great. */
  rank: number;

  constructor(priority: number, rank: number) {
    this.priority = priority;
    this.rank = rank;
  }
}

/**
 * @internal What is ready, in the order in which it is to start: by priority, first in, first out among equals.
 *
 * With aging, a job gains one step of priority for each `agingMs` that it waits. All gain at the same pace, so who is
 * ahead of whom never changes: it is a fixed order by `since − priority × agingMs`, and nothing is ever moved.
 *
 * O(1) with one priority, O(log p) with p of them. Who has left is a tombstone until its turn comes, or until `sweep`.
 */
export class Line<D> {
  readonly #agingMs: number | undefined;
  readonly #classes = new Map<number, PriorityClass<D>>();
  readonly #soonest = new Heap<PriorityClass<D>>((a, b) => a.rank < b.rank);
  /** Made when it is first asked for. */
  #lowest: Heap<PriorityClass<D>> | undefined;

  constructor(agingMs?: number) {
    this.#agingMs = agingMs;
  }

  /** Puts an entry, whose `sinceMs` is now, behind those of its priority. */
  push(entry: Entry<D>): void {
    const { priority } = entry;
    const known = this.#classes.get(priority);
    if (known !== undefined && (known.entries.size > 0 || this.#soonest.size === 1)) {
      if (known.entries.size === 0) known.rank = this.#rank(entry);
      known.entries.push(entry);
      return;
    }
    const made = new PriorityClass<D>(priority, this.#rank(entry));
    made.entries.push(entry);
    this.#classes.set(priority, made);
    this.#soonest.push(made);
    // Those that have run empty stay in there until somebody asks for the lowest.
    if (this.#lowest !== undefined && this.#lowest.size > 2 * this.#soonest.size + 16) this.#lowest = undefined;
    this.#lowest?.push(made);
  }

  /** Takes the next entry out. */
  shift(): Entry<D> | undefined {
    for (let first = this.#soonest.first; first !== undefined; first = this.#soonest.first) {
      if (this.#agingMs !== undefined && first.entries.first !== undefined) {
        const rank = this.#rank(first.entries.first);
        if (rank > first.rank) {
          first.rank = rank;
          this.#soonest.sinkFirst();
          continue;
        }
      }
      const entry = first.entries.shift();
      if (first.entries.first === undefined) {
        // The only one stays, though it be empty: a queue that is worked off as it fills would make one for each job.
        if (this.#soonest.size > 1) {
          this.#soonest.pop();
          this.#forget(first);
        } else if (entry === undefined) return undefined;
      }
      if (entry !== undefined && remains(entry)) return entry;
    }
    return undefined;
  }

  /** The youngest job of the lowest priority that stands here; it stays. */
  lowest(): Job<D> | undefined {
    const heap = (this.#lowest ??= this.#byPriority());
    for (let lowest = heap.first; lowest !== undefined; lowest = heap.first) {
      const { entries } = lowest;
      for (let last = entries.last; last !== undefined; last = entries.last) {
        if (remains(last)) return last instanceof Job ? last : last.last;
        entries.pop();
      }
      heap.pop();
      this.#forget(lowest);
    }
    return undefined;
  }

  /** For how long the one has waited that came first; 0 when there is none. O(p). */
  oldestMs(nowMs: number): number {
    let oldestMs = 0;
    for (const { entries } of this.#classes.values()) {
      for (let first = entries.first; first !== undefined && !remains(first); first = entries.first) entries.shift();
      if (entries.first !== undefined) oldestMs = Math.max(oldestMs, nowMs - entries.first.sinceMs);
    }
    return oldestMs;
  }

  /** All jobs that stand here by themselves. */
  *jobs(): IterableIterator<Job<D>> {
    for (const { entries } of this.#classes.values()) {
      for (const entry of entries) if (entry instanceof Job && entry.state === 'waiting') yield entry;
    }
  }

  /** Lets go of all tombstones. O(n). */
  sweep(): void {
    for (const { entries } of this.#classes.values()) entries.keep(remains);
  }

  #forget(empty: PriorityClass<D>): void {
    if (this.#classes.get(empty.priority) === empty) this.#classes.delete(empty.priority);
  }

  #rank({ sinceMs, priority }: Entry<D>): number {
    return this.#agingMs === undefined ? -priority : sinceMs - priority * this.#agingMs;
  }

  #byPriority(): Heap<PriorityClass<D>> {
    const heap = new Heap<PriorityClass<D>>((a, b) => a.priority < b.priority);
    for (const known of this.#classes.values()) heap.push(known);
    return heap;
  }
}

/** Whether an entry is no tombstone. */
function remains<D>(entry: Entry<D>): boolean {
  if (entry instanceof Job) return entry.state === 'waiting';
  return entry.size > 0;
}
