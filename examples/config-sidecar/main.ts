/** A server whose configuration is swapped under load. One version is bad, and is refused wherever it comes. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { example } from '../support/example.ts';
import { serve } from '../support/http.ts';
import { Processes } from '../support/processes.ts';
import type { Config, Message } from './server-process.ts';
import type { Version } from './sidecar-process.ts';

/** Two files that belong together: in each version tea has another price, which is its number. */
function versionOf(version: number, prices: object = { tea: version }): Version {
  const files = { 'menu.json': JSON.stringify({ version }), 'prices.json': JSON.stringify(prices) };
  return { name: createHash('sha256').update(JSON.stringify(files)).digest('hex').slice(0, 12), files };
}

await example(async ({ say, check, defer, makeFolder }) => {
  const folder = await makeFolder();
  let newest = versionOf(1);
  const origin = await serve('origin', async () => Response.json(newest)); // a repository, or whatever people change
  defer(origin.close);
  const processes = new Processes<Message>();
  defer(() => processes.close());
  processes.start('server', new URL('server-process.ts', import.meta.url), folder);
  processes.start('sidecar', new URL('sidecar-process.ts', import.meta.url), folder, origin.url);
  const { url } = await processes.next('listening');
  const publish = async (version: number): Promise<void> => {
    newest = versionOf(version);
    while ((await processes.next('changed', { by: 'server' })).version !== version);
  };
  const ask = async () => (await (await fetch(url)).json()) as Config & { readonly stale: boolean };
  /** As one would write it at first: it follows the link for each file. */
  const fileByFile = async (): Promise<Config> => {
    const read = (file: string): Promise<string> => readFile(join(folder, 'current', file), 'utf8');
    const menu = JSON.parse(await read('menu.json')) as Config;
    await sleep(10);
    return { ...menu, ...(JSON.parse(await read('prices.json')) as Config) };
  };
  const [answers, naive]: [Config[], Config[]] = [[], []];
  const over = new AbortController();
  const again = async (answer: () => Promise<Config>, into: Config[]): Promise<void> => {
    while (!over.signal.aborted) into.push(await answer());
  };
  const load = Promise.all([again(fileByFile, naive), ...[1, 2, 3].map(() => again(ask, answers))]);
  for (let version = 2; version <= 21; version++) await publish(version);
  over.abort();
  await load;
  const mixed = (some: readonly Config[]): number => some.filter(({ version, tea }) => version !== tea).length;
  const seen = new Set(answers.map(({ version }) => version)).size;
  say(`${answers.length} requests during 20 swaps were answered of ${seen} versions`);
  check(mixed(answers) === 0 && seen > 5, `${mixed(answers)} answers were a mix of two versions`);
  check(mixed(naive) > 0, `who reads file by file through the link has mixed ${mixed(naive)} times of ${naive.length}`);

  newest = versionOf(22, { coffee: 22 });
  const { why } = await processes.next('rejected');
  say(`a bad version is published; the server says: rejected, ${why}`);
  let kept = await ask();
  while (!kept.stale) kept = await ask(); // by and by: a refusal is no success
  check(kept.version === 21 && kept.tea === 21, `it says that it is stale, and answers of version ${kept.version}`);
  processes.start('another', new URL('server-process.ts', import.meta.url), folder);
  const gaveUp = await processes.next('gaveUp', { by: 'another' });
  check(gaveUp.why === why, `a server that is started now gives up: ${gaveUp.why}`);
  await publish(23);
  check((await ask()).tea === 23, 'the next good version is taken');
});
