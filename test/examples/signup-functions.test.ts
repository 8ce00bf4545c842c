import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Codes } from '../../examples/signup-functions/codes.ts';
import { type Profile, withDefaults } from '../../examples/signup-functions/sign-up.ts';
import { runs } from '../support/properties.ts';
import { limitMs, runExample } from './run-example.ts';

test(
  'the mail provider is down, and nobody waits for it',
  async () => {
    const printed = await runExample('signup-functions');
    expect(printed).toMatch(/^ok {5}the mail provider is down: 24 of 24 people sign up/m);
    expect(printed).toMatch(/^ok {5}24 texts and 12 subscriptions are out, [1-9]\d* mails wait$/m);
    expect(printed).toMatch(/^ok {5}one whose account cannot be saved in time is told so, by 504$/m);
    expect(printed).toMatch(/^ok {5}it is back: [1-9]\d* retries, 24 mails; \d+ came twice, by the same key$/m);
    expect(printed).toMatch(/^ok {5}and not after three wrong guesses$/m);
  },
  limitMs,
);

test('defaults are for what was not said', async () => {
  const seen: Profile[] = [];
  const call = withDefaults(async (profile) => String(seen.push(profile)));
  await call({ user: 'a', email: 'a@x' });
  await call({ user: 'b', email: 'b@x', language: 'de', newsletter: true, phone: '1' });
  expect(seen).toEqual([
    { user: 'a', email: 'a@x', language: 'en', newsletter: false },
    { user: 'b', email: 'b@x', language: 'de', newsletter: true, phone: '1' },
  ]);
});

describe('codes', () => {
  type Step =
    | { readonly kind: 'issue'; readonly user: string }
    | { readonly kind: 'confirm'; readonly user: string; readonly how: 'newest' | 'older' | 'wrong' | 'empty' }
    | { readonly kind: 'wait'; readonly ms: number };
  const user = fc.constantFrom('ann', 'bob');
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ kind: fc.constant('issue' as const), user }),
    fc.record({
      kind: fc.constant('confirm' as const),
      user,
      how: fc.constantFrom('newest', 'older', 'wrong', 'empty'),
    }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1, 40, 99, 100) }),
  );

  it('the newest code of a user is good once, for so long, and for three guesses', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let now = 0;
        const codes = new Codes(100, () => now);
        const model = new Map<string, { code: string; until: number; guesses: number }>();
        const older = new Map<string, string>();
        for (const one of steps) {
          if (one.kind === 'wait') now += one.ms;
          else if (one.kind === 'issue') {
            const code = codes.issue(one.user);
            expect(code).toMatch(/^\d{6}$/);
            older.set(one.user, model.get(one.user)?.code ?? '000000x');
            model.set(one.user, { code, until: now + 100, guesses: 3 });
          } else {
            const known = model.get(one.user);
            const guess =
              { newest: known?.code, older: older.get(one.user), wrong: '12345', empty: '' }[one.how] ?? '1';
            const right = known !== undefined && known.guesses > 0 && now < known.until && guess === known.code;
            expect(codes.confirm(one.user, guess)).toBe(right);
            if (known !== undefined) known.guesses = right ? 0 : known.guesses - 1;
          }
        }
      }),
      { numRuns: runs(5) },
    );
  });

  it('are of six digits, leading zeros too, and spread over all', () => {
    const codes = new Codes();
    const issued = Array.from({ length: 5_000 }, () => codes.issue('ann'));
    expect(issued.every((code) => /^\d{6}$/.test(code))).toBe(true);
    const firsts = new Set(issued.map((code) => code[0]));
    expect(firsts.size).toBe(10);
    expect(new Set(issued).size).toBeGreaterThan(4_900);
  });
});
