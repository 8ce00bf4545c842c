/** The command: reads the flags, does what they say, and ends with nothing left behind. */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from './client.ts';
import { type Library, readLibrary, type Source } from './documents.ts';
import { type Engine, layout, openEngine, type Trouble } from './engine.ts';
import { type Flags, parseFlags, usage } from './flags.ts';
import { tellHeat } from './heat.ts';
import { loseAnalyser } from './intake-story.ts';
import { Lifetime } from './lifetime.ts';
import { messageOf } from './message.ts';
import { type Output, type Progress, showProgress } from './progress.ts';
import { formatAnswer, printable } from './report.ts';
import { listenForSearches } from './server.ts';
import { loseLeaders } from './succession.ts';
import { Tour } from './tour.ts';
import { UserError } from './user-error.ts';

const hitsShown = 10;
const lifetime = new Lifetime();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Starts all there is; says so on `output`. */
async function open({ docs, port }: Flags, output: Output, trouble?: Trouble): Promise<Engine> {
  const folder = docs ?? (relative('.', fileURLToPath(new URL('../../node_modules', import.meta.url))) || '.');
  const source: Source = { folder, selection: docs === undefined ? 'readmes' : 'texts' };
  const library = await readLibrary(source.folder, source.selection);
  const server = await listenForSearches(port, lifetime);
  output.write(`${describe(library, folder)}\n${layout}\n`);
  const start = performance.now();
  const { documents } = library;
  const progress = (what: string): Progress => showProgress(output, what, documents.length);
  const engine = await openEngine({ documents, url: server.url, progress, lifetime, trouble });
  server.begin(engine);
  const shards = engine.cluster.shards.map(({ id }) => `${id} ${engine.placed.get(id)?.length ?? 0}`).join(', ');
  output.write(`indexed in ${((performance.now() - start) / 1_000).toFixed(1)} s: ${shards}\n`);
  return engine;
}

function describe({ documents, skipped, truncated }: Library, folder: string): string {
  const left = skipped.length === 0 ? '' : `, ${skipped.length} more without text`;
  const limit = truncated ? ', and more than this example takes' : '';
  return `${documents.length} documents in ${printable(folder)}${left}${limit}`;
}

async function tour(flags: Flags): Promise<number> {
  const engine = await open(flags, process.stdout, { analyser: loseAnalyser, leaders: loseLeaders });
  return (await new Tour(engine, print, lifetime).run()) ? 0 : 1;
}

async function query(flags: Flags): Promise<number> {
  const { url } = await open(flags, process.stderr);
  try {
    const answer = await ask(url, flags.query, hitsShown);
    for (const line of formatAnswer(answer, hitsShown)) print(line);
    return 0;
  } catch (error) {
    process.stderr.write(`no answer: ${messageOf(error)}\n`);
    return 1;
  }
}

async function serve(flags: Flags): Promise<never> {
  const { cluster, router, url } = await open(flags, process.stdout);
  cluster.on('down', ({ id, pid, why }) => {
    print(`${id} (process ${pid ?? '?'}) is gone: ${why}`);
  });
  cluster.on('up', ({ id, pid }) => {
    print(`${id} is back (process ${pid ?? '?'})`);
  });
  tellHeat(router, print);
  print(`search on ${url} (Ctrl-C ends it)`);
  return await new Promise<never>(() => undefined);
}

async function run(): Promise<number> {
  const flags = parseFlags(process.argv.slice(2));
  if (flags.mode === 'help') print(usage);
  else return await { tour, query, serve }[flags.mode](flags);
  return 0;
}

let exitCode: number | undefined;

/** Ends the process when all that was begun is undone. The first reason to end is the one that counts. */
async function end(code: number): Promise<void> {
  exitCode ??= code;
  await lifetime.end();
  // What was printed may still be on its way.
  process.stdout.write('', () => process.exit(exitCode));
}

async function fail(error: unknown): Promise<void> {
  // Once the end has begun, what was under way fails because of it.
  if (exitCode !== undefined) return;
  if (error instanceof UserError) console.error(printable(error.message));
  else console.error(error);
  await end(error instanceof UserError ? 2 : 1);
}

process.once('SIGINT', () => void end(130));
process.once('SIGTERM', () => void end(143));
process.once('SIGHUP', () => void end(129));
// The reader has gone, for example `head`: there is nobody left to print to.
process.stdout.on('error', () => void end(0));
process.stderr.on('error', () => undefined);

run().then(end, fail);
