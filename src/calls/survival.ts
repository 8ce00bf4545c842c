/*
 * Latencies of which some are known only to be longer than so much: the call was over before. To leave those out makes the
 * rest look quick, to take them for measured makes it quicker or, counting up, ever slower. The product-limit estimate uses
 * them for what they say and no more.
 *
 * Source: E. Kaplan, P. Meier, "Nonparametric estimation from incomplete observations" (1958). Buckets of equal relative
 * width as in C. Masson, J. Rim, H. Lee, "DDSketch" (2019).
 */

/** Two neighbouring buckets are a factor of this apart: a value is known to 2 %. */
const growth = 1.02;
const logGrowth = Math.log(growth);
const leastMs = 0.01;
/** Up to 10^7 ms, almost three hours; what is longer counts as that. */
const buckets = 1 + Math.ceil(Math.log(1e9) / logGrowth);
/** Beyond a point where one answer stands for so many observations, the curve is guesswork; not so where it begins. */
const mostWeight = 10;

const bucketOf = (ms: number): number =>
  ms > leastMs ? Math.min(buckets - 1, Math.ceil(Math.log(ms / leastMs) / logGrowth)) : 0;
/** Not below a value that the rounding of its logarithm has put here from just above. */
const edgeOf = (bucket: number): number => leastMs * growth ** bucket * (1 + 2 ** -40);

/** @internal Answers and silences, counted by length. Memory is constant, about 8 kB. */
export class Durations {
  readonly answers: Uint32Array = new Uint32Array(buckets);
  readonly silences: Uint32Array = new Uint32Array(buckets);
  answered = 0;
  total = 0;

  /** An answer after so long, or silence for so long of which the end is not known. */
  add(ms: number, answered: boolean): void {
    (answered ? this.answers : this.silences)[bucketOf(ms)]! += 1;
    this.total += 1;
    if (answered) this.answered += 1;
  }

  clear(): void {
    this.answers.fill(0);
    this.silences.fill(0);
    this.answered = 0;
    this.total = 0;
  }
}

/** How many are silent still at the end of the bucket, as a share, where the curve has come down to `share` or ends. */
function descend(parts: readonly Durations[], share: number): { readonly bucket: number; readonly silent: number } {
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  let atRisk = total;
  let silent = 1;
  let last = 0;
  for (let bucket = 0; bucket < buckets && silent > share; bucket++) {
    let answers = 0;
    let silences = 0;
    for (const part of parts) {
      answers += part.answers[bucket]!;
      silences += part.silences[bucket]!;
    }
    if (answers > 0) {
      if (silent < 1 && silent * total > mostWeight * atRisk) break;
      silent *= 1 - answers / atRisk;
      last = bucket;
    }
    atRisk -= answers + silences;
  }
  return { bucket: last, silent };
}

/**
 * @internal After how many milliseconds no more than `share` of the calls are silent still: the upper edge of the bucket, for
 * all that is in it may be of one length, and in its middle they might all be silent. At most 2 % above the exact. Where more
 * than that never answer, as with a dead replica, no delay gives the share: then the one at which, beside those that never
 * answer, a quarter of the share is silent. So the delay stays where answers are, and each call that it costs beyond the
 * necessary is one in four. Undefined without an answer.
 */
export function silentShareMs(parts: readonly Durations[], share: number): number | undefined {
  if (parts.every(({ answered }) => answered === 0)) return undefined;
  const never = descend(parts, 0).silent;
  return edgeOf(descend(parts, Math.max(share, never + share / 4)).bucket);
}
