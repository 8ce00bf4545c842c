/** A sign-up: defaults, a time box, and one event for three functions that know nothing of each other. */
import { join } from 'node:path';
import { Budget, type Call, type Layer, stack, timebox } from 'holdfast/calls';
import { Discard, type JobContext, WorkQueue } from 'holdfast/queue';
import { JournalQueueStore } from 'holdfast/queue/journal';
import { type Codes, digest } from './codes.ts';

export type SignUp = Readonly<{ user: string; email: string; phone?: string; language?: string; newsletter?: boolean }>;
export type Profile = SignUp & Required<Pick<SignUp, 'language' | 'newsletter'>>;
type Name = 'mail' | 'text' | 'news';

const shape = { user: '', email: '', phone: '', language: '', newsletter: false, code: '' };
/** The door: anybody sends anything. Rejects what is no sign-up; a `code` confirms one. */
export async function read(request: Request): Promise<SignUp & { readonly code?: string }> {
  const said = { user: undefined, email: '', ...((await request.json()) as object) };
  for (const [name, value] of Object.entries(said))
    if (typeof value !== typeof shape[name as 'user'] || !/^[\w+@. -]+$/.test(value!)) throw new TypeError(name);
  return said as unknown as SignUp;
}

/** The decorator: says what the user has not said, and hands on. */
export const withDefaults: Layer<SignUp, string, Profile> = (next) => (signUp, options) =>
  next({ language: 'en', newsletter: false, ...signUp }, options);

/** Sends to a provider, which knows by the key what it has already: a job may run twice. Another text has another key. */
async function send(url: string, text: string, { id, signal }: JobContext): Promise<void> {
  const headers = { 'idempotency-key': `${id}:${digest(text).toString('hex')}` };
  const response = await fetch(url, { method: 'POST', body: text, headers, signal });
  if (response.status === 422) throw new Discard(await response.text()); // no such address: no other attempt would help
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
}

/** A queue for each function, on disk: its own workers and its own retries, so that none waits for another. */
export function signUpWith(save: Call<Profile, void>, urls: Record<Name, string>, codes: Codes, folder: string) {
  const queue = (name: Name, textFor: (profile: Profile) => string) =>
    new WorkQueue<Profile>((profile, context) => send(urls[name], textFor(profile), context), {
      store: new JournalQueueStore(join(folder, name)),
      timeoutMs: 250, // of an attempt
      retry: { attempts: 100, backoff: { baseMs: 50, maxMs: 400 } }, // in earnest 1 s to 5 min: for outages of hours
      budget: new Budget({ minPerSecond: 100 }),
    });
  const queues = {
    mail: queue('mail', ({ email, language }) => `to ${email}: ${language === 'de' ? 'Willkommen' : 'Welcome'}`),
    text: queue('text', ({ user, phone }) => `to ${phone}: your code is ${codes.issue(user)}`), // not before it is sent
    news: queue('news', ({ email }) => `add ${email}`),
  };
  const create: Call<Profile, string> = async (profile, options) => {
    await save(profile, options);
    const wanted = [queues.mail, profile.phone && queues.text, profile.newsletter && queues.news];
    for (const one of wanted) if (one) await one.add(profile, { id: profile.user }); // asked again: no second job
    return `welcome, ${profile.user}`;
  };
  return { queues, signUp: stack(create, (next) => timebox(next, 3_000), withDefaults) };
}
