import { vi } from 'vitest';

interface PlatformTimer {
  readonly id: number;
  readonly dueMs: number;
  readonly fn: () => void;
}

/** What a platform may do to a timer: fire early by less than a millisecond, or late. */
export type Jitter = () => number;

/**
 * The timers of Node as they are: a delay is cut to whole milliseconds, one beyond 2^31−1 becomes 1, and a timer fires
 * off its due time by what `jitter` says (below 0: early).
 */
export class Platform {
  readonly delays: number[] = [];
  nowMs: number;
  #timers: PlatformTimer[] = [];
  #ids = 0;
  readonly #jitter: Jitter;

  constructor(startMs: number, jitter: Jitter) {
    this.nowMs = startMs;
    this.#jitter = jitter;
    vi.spyOn(performance, 'now').mockImplementation(() => this.nowMs);
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((fn: () => void, ms: number) => this.#set(fn, ms)) as never);
    vi.spyOn(globalThis, 'clearTimeout').mockImplementation((id) => {
      this.#timers = this.#timers.filter((timer) => timer.id !== (id as unknown as number));
    });
  }

  get pending(): number {
    return this.#timers.length;
  }

  #set(fn: () => void, ms: number): number {
    this.delays.push(ms);
    const honoured = ms >= 1 && ms <= 2 ** 31 - 1 ? Math.trunc(ms) : 1;
    const dueMs = Math.max(this.nowMs, this.nowMs + honoured + this.#jitter());
    this.#timers.push({ id: ++this.#ids, dueMs, fn });
    return this.#ids;
  }

  /** Fires the next timer; false when there is none. */
  step(): boolean {
    const next = this.#timers.reduce<PlatformTimer | undefined>(
      (least, timer) => (least === undefined || timer.dueMs < least.dueMs ? timer : least),
      undefined,
    );
    if (next === undefined) return false;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.nowMs = Math.max(this.nowMs, next.dueMs);
    next.fn();
    return true;
  }
}
