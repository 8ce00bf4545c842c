import { check, func } from '../core/options.ts';
import type { Call, Layer } from './call.ts';

/**
 * A call inside layers, the innermost first: `stack(call, a, b)` is `b(a(call))`. It reads in the order in which an answer
 * comes back, and each layer's types follow from the one before.
 *
 * A layer is a function of the call below it. Everything of holdfast that goes around a call takes the call as its first
 * argument, so a layer is `(next) => hedge(next, { after: 20 })`: one form for all of them and for your own.
 * At most six; for more, give one stack to another.
 *
 * @param call - the innermost call
 * @returns the outermost call
 * @throws {@link HoldfastError} `INVALID_OPTION` when one is not a function
 * @example
 * ```ts
 * import { type Call, hedge, stack, timebox } from 'holdfast/calls';
 *
 * const lookup: Call<string, string> = async (key) => `the price of ${key}`;
 * const price = stack(
 *   lookup,
 *   (next) => timebox(next, 50), // each attempt
 *   (next) => hedge(next, { after: 20 }),
 *   (next) => async (id: number, options) => (await next(`item ${id}`, options)).toUpperCase(), // your own
 * );
 * await price(7, { deadline: 100 }) // => 'THE PRICE OF ITEM 7'
 * ```
 */
export function stack<Q, S>(call: Call<Q, S>): Call<Q, S>;
export function stack<Q, S, Q1, S1>(call: Call<Q, S>, a: Layer<Q1, S1, Q, S>): Call<Q1, S1>;
export function stack<Q, S, Q1, S1, Q2, S2>(
  call: Call<Q, S>,
  a: Layer<Q1, S1, Q, S>,
  b: Layer<Q2, S2, Q1, S1>,
): Call<Q2, S2>;
export function stack<Q, S, Q1, S1, Q2, S2, Q3, S3>(
  call: Call<Q, S>,
  a: Layer<Q1, S1, Q, S>,
  b: Layer<Q2, S2, Q1, S1>,
  c: Layer<Q3, S3, Q2, S2>,
): Call<Q3, S3>;
export function stack<Q, S, Q1, S1, Q2, S2, Q3, S3, Q4, S4>(
  call: Call<Q, S>,
  a: Layer<Q1, S1, Q, S>,
  b: Layer<Q2, S2, Q1, S1>,
  c: Layer<Q3, S3, Q2, S2>,
  d: Layer<Q4, S4, Q3, S3>,
): Call<Q4, S4>;
export function stack<Q, S, Q1, S1, Q2, S2, Q3, S3, Q4, S4, Q5, S5>(
  call: Call<Q, S>,
  a: Layer<Q1, S1, Q, S>,
  b: Layer<Q2, S2, Q1, S1>,
  c: Layer<Q3, S3, Q2, S2>,
  d: Layer<Q4, S4, Q3, S3>,
  e: Layer<Q5, S5, Q4, S4>,
): Call<Q5, S5>;
export function stack<Q, S, Q1, S1, Q2, S2, Q3, S3, Q4, S4, Q5, S5, Q6, S6>(
  call: Call<Q, S>,
  a: Layer<Q1, S1, Q, S>,
  b: Layer<Q2, S2, Q1, S1>,
  c: Layer<Q3, S3, Q2, S2>,
  d: Layer<Q4, S4, Q3, S3>,
  e: Layer<Q5, S5, Q4, S4>,
  f: Layer<Q6, S6, Q5, S5>,
): Call<Q6, S6>;
export function stack(call: AnyCall, ...layers: readonly ((next: AnyCall) => AnyCall)[]): AnyCall {
  check('call', call, callRule);
  return layers.reduce(
    (next, layer) => check('what a layer returns', check('a layer', layer, layerRule)(next), callRule),
    call,
  );
}

// What the overloads promise, the implementation need not know.
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- neither argument nor result of a call is touched here
type AnyCall = Call<any, any>;

const callRule = func<AnyCall>();
const layerRule = func<(next: AnyCall) => AnyCall>();
