/** Two dozen people sign up while the mail provider is down. Nobody waits for it, and in the end everybody has their mail. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call } from 'holdfast/calls';
import { count, example } from '../support/example.ts';
import { starter } from '../support/http.ts';
import { newCodes } from './codes.ts';
import { type Profile, read, signUpWith } from './sign-up.ts';

/** The API of another company, which knows a message by its key. It does what it should and is silent now and then. */
class Provider {
  readonly sent = new Map<string, string>();
  readonly again: string[] = [];
  readonly now = { isDown: false, requests: 0 };
  readonly serve: Call<Request, Response> = async (request) => {
    const [key, text] = [request.headers.get('idempotency-key')!, await request.text()];
    const isSilent = this.now.requests++ % 3 === 0;
    if (this.now.isDown && !isSilent) return new Response(null, { status: 503 });
    if (this.sent.has(key))
      this.again.push(key); // no second message
    else this.sent.set(key, text);
    if (isSilent) await sleep(400);
    return new Response(null, { status: 202 });
  };
}

await example(async ({ check, defer, makeFolder }) => {
  const start = starter(defer);
  const [mail, text, news] = [new Provider(), new Provider(), new Provider()];
  const urls = { mail: await start(mail.serve), text: await start(text.serve), news: await start(news.serve) };
  const codes = newCodes();
  const save: Call<Profile, void> = ({ user }, options) => sleep(user === 'ann' ? 60_000 : 0, undefined, options);
  const { queues, signUp } = signUpWith(save, urls, codes, await makeFolder());
  defer(() => Promise.all(Object.values(queues).map((queue) => queue.close({ graceMs: 0 }))));
  const url = await start(async (request, options) => {
    const body = await read(request).catch(() => undefined);
    if (body === undefined) return new Response('no sign-up', { status: 400 });
    if (body.code === undefined) return new Response(await signUp(body, options), { status: 201 });
    return new Response(null, { status: codes.confirm(body.user, body.code) ? 200 : 403 });
  });
  const send = async (body: unknown): Promise<number> =>
    (await fetch(url, { method: 'POST', body: JSON.stringify(body) })).status;
  const post = (user: string, more: object = {}): Promise<number> =>
    send({ user, email: `${user}@example.org`, phone: '+49 30 1234', ...more });

  mail.now.isDown = true;
  const [startedMs, ann] = [performance.now(), post('ann')]; // her row is locked
  const wishes = Array.from({ length: 24 }, (_, i) => (i % 2 ? { language: 'de' } : { newsletter: true }));
  const statuses = await Promise.all(wishes.map((wish, i) => post(`user-${i}`, wish)));
  const [welcome, ms] = [statuses.filter((status) => status === 201).length, count(performance.now() - startedMs)];
  check(welcome === 24, `the mail provider is down: ${welcome} of 24 people sign up, in ${ms} ms`);
  await Promise.all([queues.text.onIdle(), queues.news.onIdle()]);
  const out = `${text.sent.size} texts and ${news.sent.size} subscriptions are out`;
  check(out.startsWith('24 texts and 12 '), `${out}, ${24 - queues.mail.stats().done} mails wait`);
  check((await ann) === 504, 'one whose account cannot be saved in time is told so, by 504');
  mail.now.isDown = false;
  await queues.mail.onIdle();
  const { done, retried } = queues.mail.stats();
  const { size } = mail.sent;
  check(done === 24 && size === 24, `it is back: ${retried} retries, ${size} mails; ${mail.again.length} came twice`);
  const got = (from: Provider, user: string) => [...from.sent].find(([key]) => key.startsWith(`${user}:`))![1];
  const greetings = `${got(mail, 'user-1')}, ${got(mail, 'user-2')}`;
  check(/: Willkommen, .*: Welcome$/.test(greetings), `who has said no language is greeted in English: ${greetings}`);
  const confirm = (user: string, code = got(text, user).slice(-6)): Promise<number> => post(user, { code });
  const [one, other] = [...new Set(text.again)].map((key) => key.split(':')[0]!); // their texts came twice
  check([await confirm(one!), await confirm(one!)].join() === '200,403', 'a code is good once');
  for (const guess of ['1', '2', '3']) await confirm(other!, guess);
  check((await confirm(other!)) === 403, 'and not after three wrong guesses');
  const bad = [await send({}), await post('eve', { email: 'a@b, c@d' })].join();
  check(bad === '400,400', `what is no sign-up is refused at the door: ${bad}`);
});
