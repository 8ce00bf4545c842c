import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { coverage } from './coverage.ts';
import { election } from './election.ts';
import { mutation } from './mutation.ts';
import { queue } from './queue.ts';
import { repeats } from './repeats.ts';
import type { Section } from './section.ts';
import { properties } from './suite.ts';
import { table } from './text.ts';
import { mended } from './track-record.ts';
import { zoo } from './zoo.ts';

/** All that is measured, in the order of the document. */
export const sections: readonly Section[] = [election, queue, properties, zoo, mutation, coverage, repeats];

const titles: Readonly<Record<string, string>> = {
  election: 'One leader at a time',
  queue: 'No job lost',
  properties: 'Properties and kills',
  zoo: 'The bug zoo',
  mutation: 'Mutation testing',
  coverage: 'Coverage',
  repeats: 'The same again',
};

export const file: string = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs/reliability.md');

/** The document, from the results that are kept. */
export async function documentOf(): Promise<string> {
  const told = sections.map((section) => ({ title: titles[section.name]!, text: section.tell(), name: section.name }));
  const missing = told.filter(({ text }) => text === undefined);
  const parts = [
    '# Reliability',
    'What was tried to make holdfast break its promises, how often, and what came of it. The promises are in the [guides](guides/); the figures are written by `npm run evidence` from what it has kept in `evidence/results/`, and none by hand. Each section says by which command it was measured, under which seeds, on which Node, when, and at which commit; each can be measured again by itself.',
    ...told.flatMap(({ title, text }) => (text === undefined ? [] : [`## ${title}`, text])),
    ...(missing.length === 0
      ? []
      : ['## Not measured yet', missing.map(({ name }) => `- \`npm run evidence -- ${name}\``).join('\n')]),
    '## What we do not promise',
    notPromised.map((line) => `- ${line}`).join('\n'),
    '## Track record',
    'Bugs that were really there, as far as the history tells: what was wrong, how it came to light where the commit says so, and the commit that has mended it. All were found before the first release.',
    table(
      ['bug', 'found', 'mended in', 'held by'],
      mended.map(({ bug, found, commit, test }) => [bug, found ?? '–', commit, `\`${test}\``]),
    ),
  ];
  return await format(parts.join('\n\n'), { ...(await resolveConfig(file)), parser: 'markdown' });
}

const notPromised: readonly string[] = [
  '**Exactly once.** Delivery is at least once, with an id and a fencing token; a handler may run twice for a job.',
  '**That a leader has stopped.** A process that stands still can act after its lease, when it wakes. Who checks the term notices; only a resource that refuses smaller tokens prevents it.',
  '**One leader where clocks run apart by more than 1 %** either way, or where a store that says it is linearizable loses what it has confirmed. Tokens still rise.',
  '**That what is simulated is all that can happen.** The simulator has the faults that are named above; a disk that lies about `fsync`, a kernel or a server with a bug of its own are not among them.',
  '**That no test depends on time.** Tests among real processes wait for real time, with generous limits; everything else runs in virtual time.',
  '**A score of 100 %.** Survivors of mutation testing are counted above, and explained where the reason is known.',
  '**Speed.** That is another matter, in the benchmark reports.',
];
