/** The whole suite again and again: a test that fails now and then shows itself. Each run is kept as soon as it is over. */
import { command } from './command.ts';
import { read, type Stamp, stampOf, write } from './results.ts';
import type { Options, Section } from './section.ts';
import { suiteMs, type Tests, testsIn } from './suite.ts';
import { count, source, table } from './text.ts';

interface Repeat {
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

/** Goes on with what is kept of this commit, up to so many runs, or as long as there is time. */
async function measure({ times, minutes = Infinity }: Options): Promise<void> {
  const stamp = stampOf(`npm run evidence -- repeats --times ${String(times)}`);
  const kept = (read('repeats') as RepeatsResult | undefined)?.repeats ?? [];
  const repeats = kept.filter(({ commit }) => commit === stamp.commit);
  const untilMs = performance.now() + minutes * 60_000;
  while (repeats.length < times && performance.now() < untilMs) {
    const { output, seconds } = await command('npx', ['vitest', 'run'], { timeoutMs: suiteMs });
    const failures = [...new Set([...output.matchAll(/^.*FAIL.*?(test\/.*)$/gm)].map(([, name]) => plain(name!)))];
    repeats.push({ commit: stamp.commit, tests: testsIn(output), seconds: Math.round(seconds), failures });
    write('repeats', { stamp, repeats } satisfies RepeatsResult);
    console.log(`${String(repeats.length)} of ${String(times)}: ${JSON.stringify(repeats.at(-1))}`);
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
  const tests = repeats.reduce(
    (sum, one) => sum + (one.tests === undefined ? 0 : one.tests.passed + one.tests.failed),
    0,
  );
  const bad = repeats.filter((one) => one.tests === undefined || one.tests.failed > 0);
  const failures = bad.flatMap(({ failures }) => failures);
  const rows = [
    ['runs of the whole suite', count(repeats.length)],
    ['runs with a failure', count(bad.length)],
    ['tests run', count(tests)],
    [
      'seconds a run, from … to',
      `${count(Math.min(...repeats.map(({ seconds }) => seconds)))} … ${count(Math.max(...repeats.map(({ seconds }) => seconds)))}`,
    ],
  ];
  return [
    table(['', ''], rows),
    ...(failures.length === 0 ? [] : [`Failed: ${failures.map((name) => `\`${name}\``).join(', ')}.`]),
    source(stamp),
  ].join('\n\n');
}

export const repeats: Section = { name: 'repeats', measure, tell };
