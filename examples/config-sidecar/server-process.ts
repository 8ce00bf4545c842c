/** A plain server. Its configuration is a folder behind a link, and each request is answered of one version of it. */
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { live } from 'holdfast/live';
import { serve } from '../support/http.ts';

/** What is in `menu.json`, and what is in `prices.json`. */
export type Config = Readonly<Record<'version' | 'tea', number>>;
/** What the server tells. */
export type Message =
  | { readonly kind: 'listening'; readonly url: string }
  | { readonly kind: 'changed'; readonly version: number }
  | { readonly kind: 'rejected'; readonly why: string }
  | { readonly kind: 'gaveUp'; readonly why: string };

const parse = (text: string): Config => JSON.parse(text) as Config;
const tell = (message: Message): unknown => process.send?.(message);
const [, folder = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit());

const config = live<Config>(
  async (signal) => {
    const version = await realpath(join(folder, 'current')); // once: a flip meanwhile does not make it two versions
    const read = (file: string): Promise<string> => readFile(join(version, file), { encoding: 'utf8', signal });
    return { ...parse(await read('menu.json')), ...parse(await read('prices.json')) };
  },
  {
    everyMs: 20, // in earnest 10 s
    validate: ({ tea }) => {
      if (!(tea > 0)) throw new Error('tea has no price');
    },
  },
);
config.on('changed', ({ value }) => tell({ kind: 'changed', version: value.version }));
config.on('rejected', ({ error }) => tell({ kind: 'rejected', why: (error as Error).message }));

try {
  await config.ready; // waits for the sidecar's first version
  const { url } = await serve('server', async () => {
    const { version, tea } = config.current; // once: what is published while this request waits is for the next one
    await sleep(10); // it asks others
    return Response.json({ version, tea, stale: config.stats().stale });
  });
  tell({ kind: 'listening', url });
} catch (error) {
  tell({ kind: 'gaveUp', why: (error as Error).message });
  process.exitCode = 1; // who is started with a bad version does not serve
  process.disconnect();
}
