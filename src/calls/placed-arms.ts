import { HoldfastError } from '../core/errors.ts';
import { currentOf, type Dyn } from '../core/live.ts';
import { check, invalid, object } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { type Key, Rendezvous, xxh64 } from '../hashing/index.ts';

/** @internal What a name of an arm must be. */
export function oneArm(names: readonly string[]): string {
  return `one of ${names.map((name) => JSON.stringify(name)).join(', ')}`;
}

function seedOf(salt: string): bigint {
  const digest = new Uint32Array(2);
  xxh64.hash(salt, 0, 0, digest);
  return (BigInt(digest[1]!) << 32n) | BigInt(digest[0]!);
}

/** @internal The arms under their weights as they are now. */
export class PlacedArms<A extends string> {
  readonly #names: readonly A[];
  readonly #weights: Dyn<Readonly<Record<A, number>>>;
  readonly #seed: bigint;
  #seen: Readonly<Record<A, number>>;
  #placement: Rendezvous;

  constructor(names: readonly A[], weights: Dyn<Readonly<Record<A, number>>>, salt: string) {
    this.#names = names;
    this.#weights = weights;
    this.#seed = seedOf(salt);
    this.#seen = currentOf(weights);
    this.#placement = this.#place(this.#seen);
  }

  arm(key: Key): A {
    return this.#known(this.#now().get(key)?.id);
  }

  /** `chance` in [0, 1) picks by share. */
  byChance(chance: number): A {
    let left = chance;
    let last: string | undefined;
    for (const [id, share] of this.#now().ownership()) {
      if (share > 0) last = id;
      left -= share;
      if (left < 0) break;
    }
    return this.#known(last);
  }

  #known(id: string | undefined): A {
    if (id === undefined) throw new HoldfastError('NO_NODES', 'no arm of the split has weight');
    return id as A;
  }

  #now(): Rendezvous {
    const weights = currentOf(this.#weights);
    if (weights !== this.#seen) {
      this.#seen = weights;
      try {
        this.#placement = this.#place(weights);
      } catch (error) {
        reportError('live weights were refused, the split stays as it was', error);
      }
    }
    return this.#placement;
  }

  #place(weights: Readonly<Record<A, number>>): Rendezvous {
    check('weights', weights, object());
    for (const name of Object.keys(weights))
      if (!this.#names.includes(name as A)) throw invalid('a name in weights', oneArm(this.#names), name);
    const nodes = this.#names.map((id) => {
      if (!Object.hasOwn(weights, id)) throw invalid(`weights.${id}`, 'a number', undefined);
      return { id, weight: weights[id] };
    });
    return new Rendezvous(nodes, { seed: this.#seed });
  }
}
