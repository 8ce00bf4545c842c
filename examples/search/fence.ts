import { HttpError } from './http.ts';

/**
 * The last line against a leader that does not know that its term is over: the highest token that has been here. No clock is
 * asked. What it guards must be done in the same synchronous step as {@link Fence.admit}.
 */
export class Fence {
  #highest = 0n;

  /** The highest token so far. */
  get highest(): bigint {
    return this.#highest;
  }

  /**
   * Lets a leader pass, and from then on none before it.
   *
   * @throws {@link HttpError} 409 for a token of the past, 400 for none at all
   */
  admit(text: string): void {
    if (!/^\d{1,30}$/.test(text)) throw new HttpError(400, 'a token is a whole number');
    const token = BigInt(text);
    if (token < this.#highest) throw new HttpError(409, `token ${token} is of the past: ${this.#highest} was here`);
    this.#highest = token;
  }
}
