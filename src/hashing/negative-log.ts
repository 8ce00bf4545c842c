/*
 * −ln(u) made of +, −, × and ÷ alone.
 *
 * `Math.log` may differ by a bit from engine to engine, and then two processes could place a key differently. These four
 * operations are exact to the bit everywhere (IEEE 754). Error below 4 ulp of the result, but for the last few
 * scores below 2^53, where the + 0.5 is rounded away; the order is right there too. It is far below what shows in shares.
 */

/** 2^0 … 2^53, by doubling: `**` is not specified to the bit either. */
const powersOfTwo: Float64Array = /* @__PURE__ */ doublings(54);

/** The series of atanh converges to the last bit with this many terms for |s| ≤ 0.172. */
const lastTerm = 23;

/**
 * @internal −ln((h + 0.5) / 2^53) for a whole h in [0, 2^53): an exponential variate from a 53-bit uniform one. Finite,
 * not negative, and never rising with h.
 */
export function negativeLog53(h: number): number {
  room[0] = h;
  negativeLogInto(room);
  return room[1]!;
}

const room: Float64Array = new Float64Array(2);

/** @internal {@link negativeLog53} of the first place, to the second: a double that is returned may be boxed. */
export function negativeLogInto(to: Float64Array): void {
  const h = to[0]!;
  const value = h + 0.5;
  const upper = Math.floor(h / 2_097_152);
  let exponent = upper > 0 ? 52 - Math.clz32(upper) : 31 - Math.clz32(h); // of h + 0.5 in base 2, −1 to 52
  let mantissa = exponent < 0 ? value * 2 : value / powersOfTwo[exponent]!;
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 1 / lastTerm;
  for (let term = lastTerm - 2; term > 0; term -= 2) sum = sum * square + 1 / term;
  to[1] = (53 - exponent) * Math.LN2 - 2 * s * sum;
}

function doublings(count: number): Float64Array {
  const powers = new Float64Array(count);
  for (let i = 0, power = 1; i < count; i++, power *= 2) powers[i] = power;
  return powers;
}
