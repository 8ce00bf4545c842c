import { type MakePolicy, policyOf } from './policy.ts';

const halfLifeMs = 30_000;
const decaysPerHalfLife = 10;
const decay = 0.5 ** (1 / decaysPerHalfLife);
const stepMs = halfLifeMs / decaysPerHalfLife;

/** Failures of the last half minute or so; decays in steps. */
class Failures {
  #value = 0;
  #decayedMs: number;

  constructor(now: number) {
    this.#decayedMs = now;
  }

  add(weight: number, now: number): void {
    this.#value = this.read(now) + weight;
  }

  read(now: number): number {
    const steps = Math.floor((now - this.#decayedMs) / stepMs);
    if (steps > 0) {
      this.#value *= decay ** steps;
      this.#decayedMs += steps * stepMs;
    }
    return this.#value;
  }
}

/**
 * The score of palantir/dialogue's `BalancedScoreTracker`: calls in flight plus recent failures, as a whole number; of all
 * servers the lowest, equals by chance.
 *
 * @param failureWeight - how many calls in flight a failure counts for: 10, or 0.1 for an answer of the 400s
 */
export function palantir(failureWeight = 10): MakePolicy {
  return policyOf((count, { clock, random }) => {
    const pending = new Array<number>(count).fill(0);
    const failures = Array.from({ length: count }, () => new Failures(clock.now()));
    return {
      pick() {
        const now = clock.now();
        let [best, least, equals] = [0, Infinity, 0];
        for (let i = 0; i < count; i++) {
          const score = pending[i]! + Math.round(failures[i]!.read(now));
          if (score > least) continue;
          equals = score < least ? 1 : equals + 1;
          if (score < least || random() * equals < 1) [best, least] = [i, score];
        }
        return best;
      },
      started(index) {
        pending[index]!++;
      },
      settled(index, ok) {
        pending[index]!--;
        if (!ok) failures[index]!.add(failureWeight, clock.now());
      },
    };
  });
}
