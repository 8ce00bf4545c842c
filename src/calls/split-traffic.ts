import type { Dyn } from '../core/live.ts';
import { check, either, func, invalid, object, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import type { Key } from '../hashing/index.ts';
import type { Call, CallOptions } from './call.ts';
import { oneArm, PlacedArms } from './placed-arms.ts';

/** Where a request without a key goes. */
export type Keyless<A extends string> =
  /** Nowhere: `INVALID_OPTION`. */
  | 'reject'
  /** To an arm by chance, by weight, another at each request. */
  | 'random'
  /** Always to one arm, also when it has no weight. */
  | {
      /** The arm's name. */
      readonly arm: A;
    };

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
  // Not inferred from here: the arms say which names there are.
  options: SplitTrafficOptions<[A][A extends unknown ? 0 : never], Req>,
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
  const fallback = typeof keyless === 'object' ? keyless.arm : undefined;
  const weights = check('weights', values.weights, object<Dyn<Readonly<Record<A, number>>>>());
  const placed = new PlacedArms(names, weights, check('salt', values.salt, saltRule));

  const armOf = (request: Req): A => {
    const key = keyOf(request);
    if (key !== undefined && key !== null) return placed.arm(key);
    if (keyless === 'reject') throw invalid('the key of a request', 'a string or bytes', key);
    return fallback ?? placed.byChance(runtime.random());
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
