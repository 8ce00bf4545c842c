/** What is opened when a document goes viral, and what came of it. */
import type { Sample } from './load.ts';
import type { Opened } from './reader.ts';
import { align, plural } from './report.ts';
import { countByShard, peakToMean } from './shard-loads.ts';

/** A document that was opened while the viral one was on so many shards. */
export interface Read {
  readonly opened: Opened;
  readonly shards: number;
}

/** How many documents were opened, what of them was lost, and what was not the original text. */
export interface Reads {
  readonly opened: number;
  readonly lost: number;
  readonly wrong: number;
}

/** Of so many reads one is of another document. */
const othersEvery = 4;

/** The ids of so many reads: that of the viral document most of the time, now and then the next of all others. */
export function viralReads(viral: string, ids: readonly string[], count: number): string[] {
  const others = ids.filter((id) => id !== viral);
  return Array.from({ length: count }, (_, i) => {
    const other = others[Math.floor(i / othersEvery) % others.length];
    return i % othersEvery === othersEvery - 1 && other !== undefined ? other : viral;
  });
}

/** Compares each text with the original; `texts` has them by id. */
export function judgeReads(samples: readonly Sample<Read>[], texts: ReadonlyMap<string, string>): Reads {
  const lost = samples.filter(({ answer }) => answer === undefined).length;
  const right = samples.filter(({ asked, answer }) => answer !== undefined && answer.opened.text === texts.get(asked));
  return { opened: samples.length, lost, wrong: samples.length - lost - right.length };
}

/**
 * The shards that the reads came to, while the viral document was on one, on two, …; and those that the last of them would
 * have come to, had each document been read from its own.
 */
export function formatSpread(
  reads: readonly Read[],
  shards: readonly string[],
  ownShard: (id: string) => string,
): string[] {
  const row = (name: string, from: readonly string[]): string[] => {
    const counts = countByShard(shards, from);
    return [name, ...counts.map(String), peakToMean(counts).toFixed(2)];
  };
  const rows = [['reads of each shard', ...shards, 'busiest / mean']];
  let last: readonly Read[] = [];
  for (let on = 1; on <= shards.length; on++) {
    const then = reads.filter((read) => read.shards === on);
    if (then.length === 0) continue;
    const from = then.map(({ opened }) => opened.shard);
    rows.push(row(`while on ${plural(on, 'shard')}`, from));
    last = then;
  }
  if (last.length === 0) return [];
  const own = last.map(({ opened }) => ownShard(opened.id));
  rows.push(row('the last, had it not spread', own));
  return align(rows);
}
