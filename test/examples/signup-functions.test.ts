import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { newCodes } from '../../examples/signup-functions/codes.ts';
import { type Profile, read, signUpWith, withDefaults } from '../../examples/signup-functions/sign-up.ts';
import { serve } from '../../examples/support/http.ts';
import { runs } from '../support/properties.ts';
import { limitMs, runExample } from './run-example.ts';

test(
  'the mail provider is down, and nobody waits for it',
  async () => {
    const printed = await runExample('signup-functions');
    expect(printed).toMatch(/^ok {5}the mail provider is down: 24 of 24 people sign up/m);
    expect(printed).toMatch(/^ok {5}24 texts and 12 subscriptions are out, [1-9]\d* mails wait$/m);
    expect(printed).toMatch(/^ok {5}one whose account cannot be saved in time is told so, by 504$/m);
    expect(printed).toMatch(/^ok {5}it is back: [1-9]\d* retries, 24 mails; [1-9]\d* came twice$/m);
    expect(printed).toMatch(/^ok {5}a code is good once$/m);
    expect(printed).toMatch(/^ok {5}what is no sign-up is refused at the door: 400,400$/m);
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

describe('the door', () => {
  const well = { user: 'ann', email: 'ann@example.org' };
  const ask = (body: string) => read(new Request('http://x', { method: 'POST', body }));

  it('lets a sign-up in', async () => {
    expect(await ask(JSON.stringify(well))).toEqual(well);
    const all = { ...well, phone: '+49 30 1', language: 'de', newsletter: true, code: '012345' };
    expect(await ask(JSON.stringify(all))).toEqual(all);
  });

  it.each([
    ...['', '{', 'null', '[]', '"ann"', '{}', '{"user":"ann"}', '{"email":"a@b"}'],
    ...[
      { user: '' },
      { user: ['ann'] },
      { user: 7 },
      { email: null },
      { email: 'a@b\nbcc: c@d' },
      { newsletter: 'yes' },
    ].map((more) => JSON.stringify({ ...well, ...more })),
    ...['{"__proto__":{"user":"ann"},"email":"a@b"}', JSON.stringify({ ...well, isAdmin: true })],
  ])('and nothing else: %s', async (body) => {
    await expect(ask(body)).rejects.toThrow();
  });
});

test('a text that was sent, and sent again because nobody said so, has the code that confirms', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signup-'));
  const codes = newCodes();
  const inbox = new Map<string, string>(); // as the provider keeps it: by the key, the first text
  const attempts: string[] = [];
  const texts = await serve('texts', async (request) => {
    const key = request.headers.get('idempotency-key')!;
    const text = await request.text();
    if (!inbox.has(key)) inbox.set(key, text);
    attempts.push(key);
    return new Response(null, { status: attempts.length < 3 ? 503 : 202 }); // it did what it should, and says otherwise
  });
  const urls = { mail: texts.url, text: texts.url, news: texts.url };
  const { queues, signUp } = signUpWith(async () => undefined, urls, codes, folder);
  try {
    queues.mail.pause();
    await signUp({ user: 'ann', email: 'a@b', phone: '+49 30 1' });
    await queues.text.onIdle();
    expect(attempts.length).toBeGreaterThanOrEqual(3);
    expect(inbox.size).toBe(1); // one message, however often it was sent
    expect(codes.confirm('ann', [...inbox.values()][0]!.slice(-6))).toBe(true);
  } finally {
    await Promise.all(Object.values(queues).map((queue) => queue.close({ graceMs: 0 })));
    texts.close();
    rmSync(folder, { recursive: true });
  }
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

  it('the code of a user stays the same while it lives, and is good once, and for three guesses', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let now = 0;
        const codes = newCodes(100, () => now);
        const model = new Map<string, { code: string; until: number; guesses: number }>();
        const older = new Map<string, string>();
        for (const one of steps) {
          if (one.kind === 'wait') now += one.ms;
          else if (one.kind === 'issue') {
            const code = codes.issue(one.user);
            expect(code).toMatch(/^\d{6}$/);
            const known = model.get(one.user);
            if (known !== undefined && now < known.until) {
              expect(code).toBe(known.code); // used up or not: it is in the text that was sent
              continue;
            }
            older.set(one.user, known?.code ?? '000000x');
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
    const codes = newCodes();
    const issued = Array.from({ length: 5_000 }, (_, i) => codes.issue(`user-${i}`));
    expect(issued.every((code) => /^\d{6}$/.test(code))).toBe(true);
    const firsts = new Set(issued.map((code) => code[0]));
    expect(firsts.size).toBe(10);
    expect(new Set(issued).size).toBeGreaterThan(4_900);
  });
});
