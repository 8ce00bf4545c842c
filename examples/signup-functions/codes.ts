/** Codes for a second factor: nobody can foresee them, and each is for one use, soon, with few guesses. */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';

/** Compared by their digests, which are of one length: how long it takes tells nothing. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export class Codes {
  readonly #codes = new Map<string, { readonly digest: Buffer; readonly untilMs: number; guesses: number }>();
  readonly #now: () => number;
  readonly #lifeMs: number;

  constructor(lifeMs = 300_000, now = (): number => performance.now()) {
    [this.#lifeMs, this.#now] = [lifeMs, now];
  }

  /** A code of six digits; the user's last one is void. */
  issue(user: string): string {
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    this.#codes.delete(user);
    for (const [old, { untilMs }] of this.#codes) if (untilMs <= this.#now()) this.#codes.delete(old);
    this.#codes.set(user, { digest: digest(code), untilMs: this.#now() + this.#lifeMs, guesses: 3 });
    return code;
  }

  /** Whether it is the user's code; then it is used up, and after three wrong guesses, too. */
  confirm(user: string, guess: string): boolean {
    const code = this.#codes.get(user) ?? { digest: digest(''), untilMs: 0, guesses: 0 };
    const right = timingSafeEqual(digest(guess), code.digest) && this.#now() < code.untilMs;
    if (right || --code.guesses <= 0) this.#codes.delete(user);
    return right;
  }
}
