/* The election report as Markdown. */
import type { Machine } from '../machine.ts';
import { spreadOf } from '../statistics.ts';
import { type Direction, type Round, watchedMs } from './black-hole.ts';
import { leaseMs } from './contenders.ts';
import { type Successions, ttlMs } from './successions.ts';

export interface Overlap {
  readonly name: string;
  readonly direction: Direction;
  readonly rounds: readonly Round[];
}

export interface Succession extends Successions {
  readonly kind: string;
  readonly signal: 'SIGKILL' | 'SIGTERM';
}

export interface Seen {
  readonly overlaps: readonly Overlap[];
  readonly successions: readonly Succession[];
  readonly failover: string;
  readonly requests: string;
  readonly machine: Machine;
  readonly loads: readonly string[];
  readonly versions: readonly string[];
  readonly date: string;
  readonly rounds: number;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const ms = (value: number): string => `${Math.round(value)} ms`;
/** Median, least and most. */
const shown = (values: readonly number[]): string => {
  if (values.length === 0) return '–';
  const { min, median, max } = spreadOf(values);
  return `${ms(median)} (${Math.round(min)}–${Math.round(max)})`;
};
const p99 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.ceil(0.99 * values.length) - 1]!;

const ways: Readonly<Record<Direction, string>> = {
  toServer: 'what it sends is lost',
  toClient: 'what it should hear is lost',
  both: 'both',
};

function overlapRow({ name, direction, rounds }: Overlap): readonly string[] {
  const followed = rounds.filter((round): round is Round & { followedMs: number } => round.followedMs !== undefined);
  const overlaps = followed.map(({ endedMs, followedMs }) => Math.max(0, endedMs - followedMs));
  const still = rounds.filter((round) => round.still).length;
  const open = followed.some((round) => round.still) ? '≥ ' : '';
  return [
    name,
    ways[direction],
    String(rounds.length),
    overlaps.length === 0 ? '–' : `${open}${ms(spreadOf(overlaps).median)}`,
    overlaps.length === 0 ? '–' : `${open}${ms(spreadOf(overlaps).max)}`,
    String(overlaps.filter((overlap) => overlap > 0).length),
    still === 0 ? shown(rounds.map(({ endedMs }) => endedMs)) : `not in ${String(still)} of ${String(rounds.length)}`,
    followed.length === rounds.length
      ? shown(followed.map(({ followedMs }) => followedMs))
      : `not in ${String(rounds.length - followed.length)} of ${String(rounds.length)}`,
  ];
}

/** What is promised of a store, in milliseconds. */
const targetOf = ({ kind, signal }: Succession): number =>
  signal === 'SIGTERM' ? 100 : ttlMs + 300 + (kind === 'etcd' ? 1_000 : 0);

function successionRow(succession: Succession): readonly string[] {
  const { kind, gapsMs, overlapMs } = succession;
  const target = targetOf(succession);
  const { min, median, max } = spreadOf(gapsMs);
  const met = gapsMs.filter((gap) => gap <= target).length;
  return [
    kind,
    String(gapsMs.length),
    ...[median, p99(gapsMs), min, max].map(ms),
    `≤ ${ms(target)}`,
    met === gapsMs.length ? 'met' : `**missed** in ${String(gapsMs.length - met)} of ${String(gapsMs.length)}`,
    ms(Math.max(0, overlapMs)),
  ];
}

export function electionReport(seen: Seen): string {
  const { overlaps, successions, machine, loads, versions, date, rounds } = seen;
  const of = (signal: Succession['signal']) => successions.filter((each) => each.signal === signal).map(successionRow);
  const head = ['store', 'rounds', 'p50', 'p99', 'least', 'most', 'target', '', 'overlap'];
  const missed = successions.filter((each) => each.gapsMs.some((gap) => gap > targetOf(each))).length;
  return [
    '# Elections, measured',
    '<!-- Written by `npm run report:election`; a test compares what is simulated. -->',
    `What holdfast's elections do when a leader's network goes, when its process is killed and when it is asked to end, beside other packages; and what they ask of a store. Written by \`npm run report:election\` (some minutes; it needs \`redis-server\`, \`postgres\` and \`etcd\`; \`-- --rounds 2\` for a look). The first two sections are measured on one machine, which matters for them, and differ from run to run; the other two are simulated, and the same everywhere. No row is left out because another package wins it.`,
    '## Overlap under a black hole',
    `A leads through a proxy, B stands by with a connection of its own; the lease is ${String(leaseMs / 1_000)} s. Then the proxy swallows what goes one way, for good, and keeps its connections open. _Overlap_: for how long A still believes that it leads after B was told that B does: \`signal.aborted\` of holdfast and of redlock, the events \`elected\` and \`error\` of etcd3, looked at every 5 ms, so that an overlap below 5 ms shows as 0. Neither stands again. A and B are in one process, with one clock, and the rounds of a row run side by side, each cut off at another moment between two renewals. A round is watched for ${String(watchedMs / 1_000)} s; "≥": A believed to the end. What comes after the overlap is from the cut on: median, least and most.`,
    table(
      [
        'contender',
        'A: lost',
        'rounds',
        'overlap, median',
        'overlap, most',
        'rounds with overlap',
        'A stops believing after',
        'B leads after',
      ],
      overlaps.map(overlapRow),
    ),
    "holdfast's clients have the options of [stores.ts](../test/election/real/stores.ts). redlock has one Redis, as holdfast has; _defaults_ are redlock's and ioredis's, where a command waits for its answer for ever; the other row is redlock tuned by hand for this very failure. A redlock that does not get the lock asks again 100 ms later. redlock was made with ioredis 4, and runs here with the version below.",
    '## Failover and hand-over among processes',
    `Two processes, one lease of ${String(ttlMs / 1_000)} s, nothing else set. The leader acts every 5 ms, each time after a check. A row is ${String(rounds)} leaders, one after another, each ended at another moment between two renewals; with so few rounds p99 is the most. A target is met when every round meets it: ${missed === 0 ? 'all are' : `${String(successions.length - missed)} of ${String(successions.length)} are`}. _Overlap_ is the most that two of them acted at a time.`,
    '### Killed',
    'From SIGKILL to the first act of the successor.',
    table(head, of('SIGKILL')),
    '### Asked to end',
    "From when the leader's work had stopped, after SIGTERM, to the first act of the successor.",
    table(head, of('SIGTERM')),
    '## Failover by simulation',
    "From the crash of the leader to the next, with two followers, in virtual time; the store gives hints when the lease changes hands, which a crash does not. The row of client-go is a model of its loop with its defaults, on a perfect network and with perfect clocks: a follower waits for 15 s from the look that showed it the last renewal, and looks every 2 to 4.4 s. holdfast's clocks drift by up to 0.01 %, and its calls take their time.",
    seen.failover,
    '## Requests per second',
    "Calls to the store in steady state, by simulation over ten minutes, with a hundred followers. The lease is 15 s, renewed every 2 s. The row of client-go is arithmetic: its leader makes one call for a renewal, a follower one look every 3.2 s in the mean. Without hints, and with a hint for each write, holdfast's followers look once a renewal, and ask more than client-go's.",
    seen.requests,
    '## Conditions',
    [
      `- ${date}; ${machine.cpu === '' ? 'unknown processor' : machine.cpu}, ${String(machine.cores)} cores, ${machine.memory}, ${machine.platform}`,
      `- Node ${process.version}, holdfast from its sources by tsx`,
      `- ${versions.join(', ')}`,
      `- Load average of the last minute: ${loads.join(', ')}. What is beyond the number of cores, and part of what is below, is the work of others on the machine; it can make the times of the first two sections longer, their greatest most of all.`,
    ].join('\n'),
    '',
  ].join('\n\n');
}
