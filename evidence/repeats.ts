/**
 * The whole suite again and again: a test that fails now and then shows itself. Each run is kept as soon as it is over,
 * whatever came of it; also those of earlier states of the code, in a row of their own.
 */
import { command } from './command.ts';
import { contentOf, read, type Stamp, stampOf, write } from './results.ts';
import type { Options, Section } from './section.ts';
import { suiteMs, type Tests, testsIn } from './suite.ts';
import { count, source, table } from './text.ts';

interface Repeat {
  /** Of the code and its tests: what else is in the repository does not change a run. */
  readonly content: string;
  readonly commit: string;
  /** Undefined: it did not come to an end. */
  readonly tests: Tests | undefined;
  readonly seconds: number;
  /** The names of tests that failed. */
  readonly failures: readonly string[];
}

interface RepeatsResult {
  readonly stamp: Stamp;
  readonly repeats: readonly Repeat[];
}

/** Goes on with what is kept, up to so many runs of this state, or as long as there is time. */
async function measure({ times, minutes = Infinity }: Options): Promise<void> {
  const stamp = stampOf(`npm run evidence -- repeats --times ${String(times)}`);
  const content = contentOf('src', 'test');
  const repeats = [...((read('repeats') as RepeatsResult | undefined)?.repeats ?? [])];
  const untilMs = performance.now() + minutes * 60_000;
  const done = (): number => repeats.filter((one) => one.content === content).length;
  while (done() < times && performance.now() < untilMs) {
    const { output, seconds } = await command('npx', ['vitest', 'run'], { timeoutMs: suiteMs });
    const failures = [...new Set([...output.matchAll(/^.*FAIL.*?(test\/.*)$/gm)].map(([, name]) => plain(name!)))];
    repeats.push({ content, commit: stamp.commit, tests: testsIn(output), seconds: Math.round(seconds), failures });
    write('repeats', { stamp, repeats } satisfies RepeatsResult);
    console.log(`${String(done())} of ${String(times)}: ${JSON.stringify(repeats.at(-1))}`);
  }
}

function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- colours of the terminal
  return text.replaceAll(/\u001b\[\d+m/g, '').trim();
}

function tell(): string | undefined {
  const result = read('repeats') as RepeatsResult | undefined;
  if (result === undefined) return undefined;
  const { stamp, repeats } = result;
  const states = [...new Set(repeats.map(({ content }) => content))].map((content) =>
    repeats.filter((one) => one.content === content),
  );
  const rows = states.toReversed().map((state) => [state[0]!.commit, ...cellsOf(state)]);
  if (states.length > 1) rows.push(['all', ...cellsOf(repeats)]);
  const failures = repeats.flatMap((one) => one.failures.map((name) => `\`${name}\` (${one.commit})`));
  return [
    'A state is one of the code and its tests, named by the commit at which it was run first; the newest is the first row.',
    table(['state', 'runs of the whole suite', 'runs with a failure', 'tests run', 'seconds a run'], rows),
    ...(failures.length === 0 ? [] : [`Failed: ${failures.join(', ')}.`]),
    source(stamp),
  ].join('\n\n');
}

function cellsOf(repeats: readonly Repeat[]): string[] {
  const ran = ({ tests }: Repeat): number => (tests === undefined ? 0 : tests.passed + tests.failed);
  const bad = repeats.filter(({ tests }) => tests === undefined || tests.failed > 0);
  const seconds = repeats.map((one) => one.seconds);
  return [
    count(repeats.length),
    count(bad.length),
    count(repeats.reduce((sum, one) => sum + ran(one), 0)),
    `${count(Math.min(...seconds))} … ${count(Math.max(...seconds))}`,
  ];
}

export const repeats: Section = { name: 'repeats', measure, tell };
