/** Codes for a second factor: nobody can foresee them, and each is for one use, soon, with few guesses. */
import { createHash, randomInt, timingSafeEqual } from 'node:crypto';

/** Compared by their digests, which are of one length: how long it takes tells nothing. */
export const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export type Codes = ReturnType<typeof newCodes>;
export function newCodes(lifeMs = 300_000, now = (): number => performance.now()) {
  const codes = new Map<string, { readonly code: string; readonly untilMs: number; guesses: number }>();
  return {
    /** The user's code, of six digits: the same one while it lives, also when it is used up. So a text may be sent again. */
    issue: (user: string): string => {
      for (const [old, { untilMs }] of codes) if (untilMs <= now()) codes.delete(old);
      const code = codes.get(user)?.code ?? String(randomInt(1_000_000)).padStart(6, '0');
      if (!codes.has(user)) codes.set(user, { code, untilMs: now() + lifeMs, guesses: 3 });
      return code;
    },
    /** Whether it is the user's code; then it is used up, and after three wrong guesses, too. */
    confirm: (user: string, guess: string): boolean => {
      const known = codes.get(user) ?? { code: '', untilMs: 0, guesses: 0 };
      const right = timingSafeEqual(digest(guess), digest(known.code)) && known.guesses > 0 && now() < known.untilMs;
      known.guesses = right ? 0 : known.guesses - 1;
      return right;
    },
  };
}
