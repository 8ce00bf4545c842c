/** Two dozen people sign up while the mail provider is down. Nobody waits for it, and in the end everybody has their mail. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from 'holdfast/calls';
import { count, example } from '../support/example.ts';
import { serve } from '../support/http.ts';
import { Codes } from './codes.ts';
import { type Profile, type SignUp, signUpWith } from './sign-up.ts';

/** The API of another company: when it is down it fails, is silent, or does what it should and is silent. */
class Provider {
  readonly sent = new Map<string | null, string>();
  readonly now = { isDown: false, requests: 0, again: 0 };
  readonly serve: Call<Request, Response> = async (request) => {
    const [key, turn] = [request.headers.get('idempotency-key'), this.now.isDown ? this.now.requests++ % 3 : 3];
    if (turn >= 2) this.now.again += Number(this.sent.has(key)); // a key that it knows is no second message
    if (turn >= 2) this.sent.set(key, await request.text());
    if (turn === 1 || turn === 2) await sleep(400);
    return new Response(null, { status: turn === 3 ? 202 : 503 });
  };
}

await example(async ({ check, defer, makeFolder }) => {
  const start = async (call: Call<Request, Response>): Promise<string> => {
    const { url, close } = await serve('a service', call);
    defer(close);
    return url;
  };
  const [mail, text, news] = [new Provider(), new Provider(), new Provider()];
  const urls = { mail: await start(mail.serve), text: await start(text.serve), news: await start(news.serve) };
  const codes = new Codes();
  const save: Call<Profile, void> = async ({ user }, options) => {
    if (user === 'ann') await sleep(60_000, undefined, options); // her row is locked
  };
  const { queues, signUp } = signUpWith(save, urls, codes, await makeFolder());
  defer(() => Promise.all(Object.values(queues).map((queue) => queue.close({ graceMs: 0 }))));
  const url = await start(async (request, options) => {
    const body = (await request.json()) as SignUp & { readonly code?: string };
    if (body.code === undefined) return new Response(await signUp(body, options), { status: 201 });
    return new Response(null, { status: codes.confirm(body.user, body.code) ? 200 : 403 });
  });
  const post = async (user: string, more: object = {}): Promise<number> => {
    const body = JSON.stringify({ user, email: `${user}@example.org`, phone: '+49 30 1234', ...more });
    return (await fetch(url, { method: 'POST', body })).status;
  };
  mail.now.isDown = true;
  const [startedMs, ann, statuses] = [performance.now(), post('ann'), [] as number[]];
  for (let i = 0; i < 24; i++)
    statuses.push(await post(`user-${i}`, i % 2 ? { language: 'de' } : { newsletter: true }));
  const welcome = statuses.filter((status) => status === 201).length;
  const each = count((performance.now() - startedMs) / 24);
  check(welcome === 24, `the mail provider is down: ${welcome} of 24 people sign up, in ${each} ms each`);
  await Promise.all([queues.text.onIdle(), queues.news.onIdle()]);
  const went = text.sent.size === 24 && news.sent.size === 12;
  check(
    went,
    `${text.sent.size} texts and ${news.sent.size} subscriptions are out, ${24 - queues.mail.stats().done} mails wait`,
  );
  check((await ann) === 504, 'one whose account cannot be saved in time is told so, by 504');
  mail.now.isDown = false;
  await queues.mail.onIdle();
  const { done, retried } = queues.mail.stats();
  check(
    done === 24 && mail.sent.size === 24,
    `it is back: ${retried} retries, ${mail.sent.size} mails; ${mail.now.again} came twice, by the same key`,
  );
  const greetings = [1, 2].map((i) => mail.sent.get(`user-${i}`)!.split(': ')[1]).join(', ');
  check(greetings === 'Willkommen, Welcome', `who has said no language is greeted in English: ${greetings}`);
  const confirm = (user: string, code = text.sent.get(user)!.slice(-6)): Promise<number> => post(user, { code });
  check(`${await confirm('user-1')}, ${await confirm('user-1')}` === '200, 403', 'a code is good once');
  for (const guess of ['1', '2', '3']) await confirm('user-2', guess);
  check((await confirm('user-2')) === 403, 'and not after three wrong guesses');
});
