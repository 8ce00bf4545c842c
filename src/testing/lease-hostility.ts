import { ensureSame } from './ensure.ts';
import { account, type LeaseLaw } from './lease-trial.ts';

/** @internal Texts that have broken stores: paths, quotes, patterns, two forms of é, what differs by case only, long ones. */
export const hostileTexts: readonly string[] = [
  '.',
  '..',
  '/',
  '../../up',
  '/rooted',
  'a/b',
  'a\\b',
  'a:b',
  'a b',
  ' ',
  'trailing. ',
  `'; DROP TABLE leases; --`,
  `"quoted"`,
  '`$(id)`',
  '%2F%00',
  '*?[a-z]',
  '{braces}',
  '__proto__',
  'constructor',
  'a\nb\r\tc',
  '\u00e9',
  'e\u0301',
  '日本語',
  '👩‍👩‍👧‍👦🏳️‍🌈',
  '\u202eright to left',
  'Case',
  'case',
];

const longestName = 512;
const longestData = 65_536;

/** @internal What a lease may be called, and be told with. */
export const hostilityLaws: Readonly<Record<string, LeaseLaw>> = {
  async 'knows hostile names from one another, and gives them back'(trial) {
    const [store, other] = await trial.pair();
    const name = trial.name('');
    const keys = [
      ...hostileTexts.flatMap((text) => [name + text, text + name]),
      ...['k', 'K', '鍵'].map((last) => name.padEnd(longestName - 1, 'k') + last),
      ...['鍵', '鍛'].map((last) => name.padEnd(longestName - 1, '鍵') + last),
    ];
    const candidacies = keys.map((key) => trial.lasting(store, key, { holder: key, nonce: key, data: key }));
    const granted = await Promise.all(candidacies.map((candidacy) => trial.granted(store, candidacy)));
    const renewed = await other.renew(
      granted.map(({ record }) => record),
      { ttlMs: candidacies[0]!.ttlMs },
      trial.signal,
    );
    for (const [i, { key }] of candidacies.entries()) {
      const read = await trial.held(other, key);
      ensureSame(
        [read.key, read.holder, read.nonce, read.data],
        [key, key, key, key],
        'what is read and what was given',
      );
      ensureSame(account(read), account(renewed[i] ?? null), 'what is read and what was renewed');
      await trial.released(other, read);
    }
  },

  async 'tells the world whatever text'(trial) {
    const [store, other] = await trial.pair();
    const key = trial.name('key');
    const texts = ['', ...hostileTexts, '{"json":"\\u0000"}', 'x'.repeat(longestData), 'é'.repeat(longestData / 2)];
    const { record } = await trial.granted(store, trial.lasting(store, key, { data: '' }));
    ensureSame((await trial.held(other, key)).data, '', 'what is read and what was given');
    for (const text of texts) {
      await trial.renewed(store, record, text);
      ensureSame((await trial.held(other, key)).data, text, 'what is read and what was given');
    }
  },
};
