/** Queues of several processes on one store, in virtual time, under trouble: is a job lost? */
import { simulate } from 'holdfast/testing';
import { type StormBooks, stormScenario } from '../test/queue/storm.ts';
import { clocks } from '../test/election/support/worlds.ts';
import { read, type Stamp, stampOf, write } from './results.ts';
import type { Options, Section } from './section.ts';
import { count, source, table } from './text.ts';

interface QueueResult {
  readonly stamp: Stamp;
  readonly seeds: { readonly from: number; readonly to: number };
  readonly seconds: number;
  readonly steps: number;
  readonly twice: number;
  /** Of the seeds that were run once. */
  readonly books: StormBooks;
}

const firstSeed = 100_001;
const batch = 20;

async function measure({ minutes = 5 }: Options): Promise<void> {
  const untilMs = performance.now() + minutes * 60_000;
  const books: StormBooks = { accepted: 0, lost: 0, twice: 0, attempts: 0 };
  let [seed, seconds, steps, twice] = [firstSeed, 0, 0, 0];
  for (; performance.now() < untilMs; seed += batch) {
    const report = await simulate(stormScenario(books), { ...clocks, runs: batch, seed, twice: 0 });
    if (books.lost + books.twice > 0) throw new Error(`seeds from ${String(seed)}: ${JSON.stringify(books)}`);
    seconds += report.virtualMs / 1_000;
    steps += report.steps;
    // The first of each batch once more, into other books.
    const again: StormBooks = { accepted: 0, lost: 0, twice: 0, attempts: 0 };
    twice += (await simulate(stormScenario(again), { ...clocks, runs: 1, seed, twice: 1 })).twice;
  }
  const result: QueueResult = {
    stamp: stampOf(`npm run evidence -- queue --minutes ${String(minutes)}`),
    seeds: { from: firstSeed, to: seed - 1 },
    seconds,
    steps,
    twice,
    books,
  };
  write('queue', result);
}

function tell(): string | undefined {
  const result = read('queue') as QueueResult | undefined;
  if (result === undefined) return undefined;
  const { stamp, seeds, seconds, steps, twice, books } = result;
  const rows = [
    ['jobs that `add` has accepted', count(books.accepted)],
    ['lost', String(books.lost)],
    ['ended twice in the store', String(books.twice)],
    ['attempts begun', `${count(books.attempts)}, ${(books.attempts / books.accepted).toFixed(2)} a job`],
    ['simulated seconds', count(seconds)],
    ['events', count(steps)],
    ['seeds', `${count(seeds.from)} to ${count(seeds.to)}`],
    ['seeds run twice, with equal runs', `${count(twice)}, all`],
  ];
  return [
    'Three processes, each with a `WorkQueue`, add jobs to one store and work them off, while processes crash and stand still, networks part, and a share of the calls to the store is refused, done unheard, unanswered or late. Handlers fail now and then. A job counts as lost when `add` has resolved and the store was never told that it is done. That a job is attempted more than once is what at least once means.',
    table(['', ''], rows),
    source(stamp, 'one process'),
  ].join('\n\n');
}

export const queue: Section = { name: 'queue', measure, tell };
