import { HoldfastError } from '../core/errors.ts';
import { currentOf, type Dyn } from '../core/live.ts';
import { check, either, func, invalid, oneOf, readOptions, type Rule } from '../core/options.ts';
import { reportError } from '../core/report.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { type Key, Rendezvous, xxh64 } from '../hashing/index.ts';
import type { Call, CallOptions } from './call.ts';

/** Where a request without a key goes. */
export type Keyless<A extends string> =
  /** Nowhere: `INVALID_OPTION`. */
  | 'reject'
  /** To an arm by chance, by weight, another at each request. */
  | 'random'
  /** Always to this arm, also when it has no weight. */
  | { readonly arm: A };

/** Options of {@link splitTraffic}. */
export interface SplitTrafficOptions<A extends string, Req> {
  /** The weight of every arm, 0 to 1,000,000; only the proportions matter. May change while running. */
  readonly weights: Dyn<Readonly<Record<A, number>>>;
  /** Name of the split. Two splits with different salts divide the same keys independently. */
  readonly salt: string;
  /** The key that a request stays with, for example the user; undefined or null when it has none. */
  readonly key: (request: Req) => Key | null | undefined;
  /**
   * Where a request without a key goes.
   *
   * @defaultValue `'reject'`
   */
  readonly keyless?: Keyless<A> | undefined;
  /**
   * Chance, for `keyless: 'random'`.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** `A` as it is, and not inferred from here: the arms say which names there are. */
type Given<A> = [A][A extends unknown ? 0 : never];

/** What {@link splitTraffic} makes. */
export interface TrafficSplit<A extends string, Req, Res> {
  /** Sends the request to the arm of its key. */
  (request: Req, options?: CallOptions): Promise<Res>;
  /**
   * The arm of a key.
   *
   * @param key - string or bytes
   * @throws {@link HoldfastError} `NO_NODES` when no arm has weight
   */
  assign(key: Key): A;
}

const armsRule: Rule<Readonly<Record<string, unknown>>> = {
  expected: 'an object of at least one call, by name',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).length > 0 &&
    Object.values(value).every((call) => typeof call === 'function'),
};

const saltRule: Rule<string> = { expected: 'a string', accepts: (value) => typeof value === 'string' };

function object<T extends object>(): Rule<T> {
  return { expected: 'an object', accepts: (value) => typeof value === 'object' && value !== null };
}

/**
 * A call divided among several by weight: an experiment, a canary, a migration.
 *
 * Promises: a key stays with its arm, in every process, as long as the weights stay, a function of arm names, weights and
 * salt alone; when weights change, a key moves from one arm to another only if the other's weight grew against the one's, so
 * that a change of one weight moves the fewest keys that it can, and growing an arm moves none out of it; an arm of weight 0
 * gets none; the shares are those of the weights. A failure of an arm is the caller's: no
 * other arm is tried, for that would falsify the comparison and hide the failure.
 *
 * A `Live` of weights is looked at with each request. One that has turned bad is reported once, as a process warning, and the
 * last good weights stay.
 *
 * Complexity: O(arms) for each request; the placement is made anew only when the weights are another object.
 *
 * Source: weighted rendezvous hashing, see {@link Rendezvous}.
 *
 * @param arms - calls by name
 * @param options - weights, salt, key
 * @throws {@link HoldfastError} `INVALID_OPTION`; as a rejection `INVALID_OPTION` for a request without a key, `NO_NODES`
 * when no arm has weight
 * @example
 * ```ts
 * import { type Call, splitTraffic } from 'holdfast/calls';
 *
 * const v1: Call<{ user: string }, string> = async () => 'v1';
 * const v2: Call<{ user: string }, string> = async () => 'v2';
 * const split = splitTraffic({ v1, v2 }, { weights: { v1: 95, v2: 5 }, salt: 'search-v2', key: ({ user }) => user });
 * (await split({ user: 'ann' })) === split.assign('ann') // => true
 * ```
 */
export function splitTraffic<A extends string, Req, Res>(
  arms: Readonly<Record<A, Call<Req, Res>>>,
  options: SplitTrafficOptions<Given<A>, Req>,
): TrafficSplit<A, Req, Res> {
  check('arms', arms, armsRule);
  const calls = new Map(Object.entries(arms) as [A, Call<Req, Res>][]);
  const names = [...calls.keys()];
  const values = readOptions('splitTraffic', options, {
    weights: object<Dyn<Readonly<Record<A, number>>>>(),
    salt: saltRule,
    key: func<(request: Req) => Key | null | undefined>(),
    keyless: either(oneOf('reject', 'random'), armRule(names)),
    runtime: runtimeRule,
  });
  const keyOf = check('key', values.key, func<(request: Req) => Key | null | undefined>());
  const { keyless = 'reject', runtime = systemRuntime } = values;
  const weights = check('weights', values.weights, object<Dyn<Readonly<Record<A, number>>>>());
  const placed = new Placed(names, weights, seedOf(check('salt', values.salt, saltRule)));

  const armOf = (request: Req): A => {
    const key = keyOf(request);
    if (key !== undefined && key !== null) return placed.arm(key);
    if (keyless === 'reject') throw invalid('the key of a request', 'a string or bytes', key);
    return keyless === 'random' ? placed.byChance(runtime.random()) : keyless.arm;
  };
  const call = async (request: Req, callOptions?: CallOptions): Promise<Res> =>
    await calls.get(armOf(request))!(request, callOptions);
  return Object.assign(call, { assign: (key: Key) => placed.arm(key) });
}

function armRule<A extends string>(names: readonly A[]): Rule<{ readonly arm: A }> {
  return {
    expected: `{ arm: ${oneArm(names)} }`,
    accepts: (value) =>
      typeof value === 'object' &&
      value !== null &&
      (names as readonly unknown[]).includes((value as { readonly arm?: unknown }).arm),
  };
}

function oneArm(names: readonly string[]): string {
  return `one of ${names.map((name) => JSON.stringify(name)).join(', ')}`;
}

function seedOf(salt: string): bigint {
  const digest = new Uint32Array(2);
  xxh64.hash(salt, 0, 0, digest);
  return (BigInt(digest[1]!) << 32n) | BigInt(digest[0]!);
}

/** The arms under their weights as they are now. */
class Placed<A extends string> {
  readonly #names: readonly A[];
  readonly #weights: Dyn<Readonly<Record<A, number>>>;
  readonly #seed: bigint;
  #seen: Readonly<Record<A, number>>;
  #placement: Rendezvous;

  constructor(names: readonly A[], weights: Dyn<Readonly<Record<A, number>>>, seed: bigint) {
    this.#names = names;
    this.#weights = weights;
    this.#seed = seed;
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
