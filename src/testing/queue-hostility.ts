import { ensure, ensureSame } from './ensure.ts';
import { hostileTexts } from './lease-hostility.ts';
import { buried, done, jobsOf, type QueueLaw } from './queue-trial.ts';

/** Texts that have broken stores of jobs: numbers, names of their own keys, halves of characters. */
const texts: readonly string[] = [
  ...hostileTexts,
  '0',
  '17',
  '-1',
  'NaN',
  'meta',
  'wait',
  'id',
  'a:b:c',
  '0:1',
  'a\u0000b',
  '\ud800',
  '\udfff tail',
  'x'.repeat(300),
];

const payloads: readonly unknown[] = [
  null,
  0,
  false,
  '',
  -1.5e300,
  [],
  {},
  [[[[]]]],
  { '': '' },
  { b: 1, a: 2, 10: 3, 9: 4 },
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":2}') as unknown,
  { nested: JSON.parse('{"__proto__":1}') as unknown },
  '{"json":"\\u0000"}',
  ...texts,
  { texts },
  { holdfast: 'x', id: 'y', data: 'z', opts: {} },
];

/** @internal What jobs may be called, and consist of. */
export const hostilityLaws: Readonly<Record<string, QueueLaw>> = {
  async 'knows hostile ids from one another, and gives them back'(trial) {
    const [one, other] = await trial.pair();
    await one.added(...jobsOf(...texts));
    const again = await other.put(jobsOf(...texts));
    ensure(
      again.every(({ status, id }, i) => status === 'duplicate' && id === texts[i]),
      'an id is not known again',
      again.find(({ status, id }, i) => status !== 'duplicate' || id !== texts[i]),
    );
    const jobs = await other.pull(texts.length + 1);
    ensureSame(
      jobs.map(({ id }) => id),
      texts,
      'pulled, and put',
    );
    ensureSame(
      await one.extend(jobs, 60_000),
      texts.map(() => true),
      'which are extended',
    );
    for (const [i, job] of jobs.entries()) await one.settled(i % 2 === 0 ? done(job) : buried(job, job.id));
    const dead = await other.dead();
    const expected = texts.filter((_, i) => i % 2 === 1);
    ensureSame(dead.map(({ id }) => id).sort(), [...expected].sort(), 'the dead, and who was given up');
    ensure((await one.redrive(expected)) === expected.length, 'somebody is not put back');
    ensureSame(
      await one.cancel(expected),
      expected.map(() => true),
      'which are cancelled',
    );
  },

  async 'gives back whatever data'(trial) {
    const [one, other] = await trial.pair();
    await one.added(...payloads.map((data, i) => ({ id: `data ${String(i)}`, data })));
    const jobs = await other.pull(payloads.length + 1);
    ensure(jobs.length === payloads.length, 'not all are pulled', jobs.length, payloads.length);
    for (const [i, job] of jobs.entries()) {
      ensureSame(job.data, payloads[i], 'pulled, and put');
      ensure(({} as Record<string, unknown>)['polluted'] === undefined, 'every object has got a property');
    }
    for (const job of jobs) await one.settled(buried(job, 'no'));
    const dead = new Map((await other.dead()).map(({ id, data }) => [id, data]));
    for (const [i, data] of payloads.entries()) {
      ensureSame(dead.get(`data ${String(i)}`), data, 'found dead, and put');
    }
  },

  async 'takes hostile keys, types and names of what is the same'(trial) {
    const handle = await trial.open();
    const { keys, dedupe } = handle.caps;
    const jobs = ['__proto__', 'constructor', 'a\u0000b', '\ud800', 'a:b', '17', ' '].map((text, i) => ({
      id: `job ${String(i)}`,
      data: i,
      settings: { type: text },
      ...(keys && { key: text }),
      ...(dedupe.includes('reject') && { dedupe: { id: text, mode: 'reject' as const } }),
    }));
    await handle.added(...jobs);
    const found = await handle.pull(jobs.length + 1);
    ensureSame(
      found.map(({ id, key, settings }) => [id, key, settings]).sort(),
      jobs.map(({ id, settings, ...job }) => [id, 'key' in job ? job.key : undefined, settings]).sort(),
      'pulled, and put',
    );
  },

  async 'keeps errors as they can be read'(trial) {
    const handle = await trial.open();
    const errors = [
      '',
      'a\nb',
      'x'.repeat(20_000),
      'expired: not at all',
      '日本語',
      '{"json":1}',
      '123',
      'half \ud800',
    ];
    await handle.added(...jobsOf(...errors.map((_, i) => String(i))));
    for (const job of await handle.pull(errors.length)) await handle.settled(buried(job, errors[Number(job.id)]));
    for (const { id, error } of await handle.dead()) {
      const told = errors[Number(id)]!;
      // Half a character may become a replacement.
      if (!told.startsWith('half')) ensureSame(error, told, 'the error, and what was told');
      else ensure(error.startsWith('half'), 'the error is not what was told', error);
    }
  },

  async 'takes what is large, and what is many'(trial) {
    const [one, other] = await trial.pair();
    const large = { text: 'é'.repeat(500_000) };
    await one.added({ id: 'large', data: large });
    ensureSame((await other.only()).data, large, 'pulled, and put');
    const many = Array.from({ length: 1_000 }, (_, i) => `job ${String(i)}`);
    await one.added(...jobsOf(...many));
    ensureSame(await other.pulledIds(400), many.slice(0, 400), 'pulled, and put');
    const rest = await other.pull(600);
    ensureSame(
      await one.settle(rest.map(done)),
      rest.map(() => true),
      'which are done',
    );
  },
};
