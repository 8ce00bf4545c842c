/**
 * Measures, and writes `docs/reliability.md`: `run.ts [section …] [--minutes N] [--seeds N] [--times N] [--module NAME]
 * [--concurrency N] [--only PREFIX] [--again]`; without a section all are measured, which takes many hours the first time: of
 * mutation only what reads otherwise than when it was measured is tried, and with `--again` only survivors. `--render` only writes the document. `--check` writes nothing: it hunts some of the
 * variants, and fails when one is not caught or the document is not what the results say.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { documentOf, file, sections } from './document.ts';
import type { Options } from './section.ts';
import { sample } from './zoo.ts';

const { values, positionals } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    render: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    seeds: { type: 'string', default: '5' },
    times: { type: 'string', default: '20' },
    concurrency: { type: 'string', default: '2' },
    module: { type: 'string' },
    only: { type: 'string' },
    again: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const names = sections.map(({ name }) => name);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) throw new Error(`unknown: ${unknown.join(', ')}; there are: ${names.join(', ')}`);

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, got ${text}`);
  return value;
}

const options: Options = {
  minutes: values.minutes === undefined ? undefined : number('minutes', values.minutes),
  seeds: number('seeds', values.seeds),
  times: number('times', values.times),
  concurrency: number('concurrency', values.concurrency),
  module: values.module,
  only: values.only,
  again: values.again,
};

/** What `npm run check` may take. */
const checkSeconds = 50;

if (values.check) {
  const wrong = await sample(checkSeconds);
  const text = await documentOf();
  if (textOf(file) !== text) wrong.push(`${file} is not what the results say; npm run evidence -- --render writes it`);
  for (const one of wrong) console.log(one);
  if (wrong.length > 0) process.exitCode = 1;
} else {
  const wanted = sections.filter(({ name }) =>
    positionals.length === 0 ? !values.render : positionals.includes(name),
  );
  try {
    for (const section of wanted) {
      console.log(`── ${section.name}`);
      await section.measure(options);
    }
  } finally {
    writeFileSync(file, await documentOf());
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
