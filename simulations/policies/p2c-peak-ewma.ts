import { type MakePolicy, policyOf, twoOf } from './policy.ts';

const decayMs = 10_000;

/**
 * Of two servers the one with the lower product of latency and calls in flight, as in Finagle (whose constants these are),
 * tower and Linkerd 2. The latency jumps up with a slow answer and decays with time; a look at it is an observation of 0. A
 * failure is an answer like any other.
 */
class PeakEwma {
  #ms = 0;
  #atMs: number;
  #pending = 0;

  constructor(now: number) {
    this.#atMs = now;
  }

  started(): void {
    this.#pending++;
  }

  settled(ms: number, now: number): void {
    this.#pending--;
    this.#observe(ms, now);
  }

  load(now: number): number {
    this.#observe(0, now);
    if (this.#ms === 0 && this.#pending > 0) return Number.MAX_SAFE_INTEGER + this.#pending;
    return this.#ms * (this.#pending + 1);
  }

  #observe(ms: number, now: number): void {
    const weight = Math.exp((this.#atMs - now) / decayMs);
    this.#ms = ms > this.#ms ? ms : this.#ms * weight + ms * (1 - weight);
    this.#atMs = now;
  }
}

export const p2cPeakEwma: MakePolicy = policyOf((count, runtime) => {
  const { clock } = runtime;
  const metrics = Array.from({ length: count }, () => new PeakEwma(clock.now()));
  return {
    pick() {
      const [a, b] = twoOf(count, runtime);
      const now = clock.now();
      return metrics[a]!.load(now) < metrics[b]!.load(now) ? a : b;
    },
    started(index) {
      metrics[index]!.started();
    },
    settled(index, _ok, ms) {
      metrics[index]!.settled(ms, clock.now());
    },
  };
});
