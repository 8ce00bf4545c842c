/** Forty people sign up while the mail provider is down. Nobody waits for it, and in the end everybody has their mail. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from 'holdfast/calls';
import { count, example } from '../support/example.ts';
import { serve } from '../support/http.ts';
import { Codes } from './codes.ts';
import { type Profile, type SignUp, signUpWith } from './sign-up.ts';

/** The API of another company. What comes again under the same key, it knows. */
class Provider {
  readonly sent = new Map<string | null, string>();
  down = false;
  requests = 0;
  readonly serve: Call<Request, Response> = async (request) => {
    const fault = this.down ? ['fails', 'hangs', 'sends and hangs'][this.requests++ % 3]! : '';
    if (fault === '' || fault.startsWith('sends'))
      this.sent.set(request.headers.get('idempotency-key'), await request.text());
    if (fault.endsWith('hangs')) await sleep(400);
    return new Response(null, { status: fault === '' ? 202 : 503 });
  };
}

await example(async ({ check, defer, makeFolder }) => {
  const start = async (id: string, call: Call<Request, Response>): Promise<string> => {
    const { url, close } = await serve(id, call);
    defer(close);
    return url;
  };
  const [mail, text, news] = [new Provider(), new Provider(), new Provider()];
  const [mailUrl, textUrl, newsUrl] = await Promise.all(
    [mail, text, news].map((provider) => start('provider', provider.serve)),
  );
  const save: Call<Profile, void> = ({ user }) => (user === 'ann' ? new Promise(() => undefined) : Promise.resolve()); // Ann's row is locked
  const codes = new Codes();
  const { queues, signUp } = signUpWith(
    save,
    { mail: mailUrl!, text: textUrl!, news: newsUrl! },
    codes,
    await makeFolder(),
  );
  defer(() => Promise.all(Object.values(queues).map((queue) => queue.close({ graceMs: 0 }))));
  const url = await start('sign-up', async (request, options) => {
    const body = (await request.json()) as SignUp & { readonly code?: string };
    if (body.code !== undefined) return new Response(null, { status: codes.confirm(body.user, body.code) ? 200 : 403 });
    return new Response(await signUp(body, options), { status: 201 });
  });
  const post = async (user: string, more: object = {}): Promise<number> => {
    const body = JSON.stringify({ user, email: `${user}@example.org`, phone: '+49', ...more });
    return (await fetch(url, { method: 'POST', body })).status;
  };

  mail.down = true;
  const ann = post('ann');
  const seen: { readonly status: number; readonly ms: number }[] = [];
  for (let i = 0; i < 40; i++) {
    const startedMs = performance.now();
    const status = await post(`user-${i}`, i === 7 ? { language: 'de' } : { newsletter: i % 2 === 0 });
    seen.push({ status, ms: performance.now() - startedMs });
  }
  const slowest = count(Math.max(...seen.map(({ ms }) => ms)));
  const welcome = seen.filter(({ status }) => status === 201).length;
  check(welcome === 40, `the mail provider is down; ${welcome} sign-ups are answered, the slowest after ${slowest} ms`);
  await Promise.all([queues.text.onIdle(), queues.news.onIdle()]);
  const { delayed, waiting, leased } = queues.mail.stats();
  const others = text.sent.size === 40 && news.sent.size === 20;
  check(
    others && mail.requests > 0,
    `${text.sent.size} texts and ${news.sent.size} subscriptions went on; ${delayed + waiting + leased} mails wait`,
  );
  check((await ann) === 504, 'whose account cannot be saved in time is told so: 504');

  mail.down = false;
  await queues.mail.onIdle();
  const { done, retried } = queues.mail.stats();
  check(
    done === 40 && mail.sent.size === 40,
    `the provider is back; ${retried} retries later ${mail.sent.size} mails are sent, each once`,
  );
  check(
    mail.sent.get('user-7')!.endsWith('Willkommen') && mail.sent.get('user-8')!.endsWith('Welcome'),
    'in the language that they have said, or English',
  );

  const confirm = (user: string, code = /\d{6}$/.exec(text.sent.get(user)!)![0]): Promise<number> =>
    post(user, { code });
  check(`${await confirm('user-1')}, ${await confirm('user-1')}` === '200, 403', 'a code is good once');
  for (const guess of ['000000', '', '12']) await confirm('user-2', guess);
  check((await confirm('user-2')) === 403, 'and not after three wrong guesses');
});
