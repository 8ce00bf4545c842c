/*
 * A fence carries the token of its lock, so that whoever has it can settle, in whichever process: how often the job was
 * claimed, which the server counts, above the token. 63 bits, as databases keep them.
 */
import type { Random } from '../../../core/random.ts';

const tokenBits = 40n;
const tokens = 2 ** 40;
const mask = (1n << tokenBits) - 1n;

/** @internal Tokens of one process differ for the next 10¹² leases, those of two by a chance of 10⁻¹². */
export class Tokens {
  #next: number;

  constructor(random: Random) {
    this.#next = Math.floor(random() * tokens);
  }

  take(): string {
    this.#next = (this.#next + 1) % tokens;
    return this.#next.toString(36);
  }
}

/** @internal */
export function fenceOf(claims: number, token: string): bigint {
  return (BigInt(claims) << tokenBits) | BigInt(parseInt(token, 36));
}

/** @internal The token of a lease. */
export function tokenOf(fence: bigint): string {
  return (fence & mask).toString(36);
}
