import assert from 'node:assert/strict';
import Hashring from 'hashring';
import { type Caption, captionLine, type Line, svg } from '../../simulations/plot.ts';
import type { Placement, PlacementNode } from '../../src/hashing/index.ts';
import { nodesOf } from '../keys.ts';
import { expectedRingPeak } from '../statistics.ts';
import { tableLines } from '../table.ts';
import type { MakeSuite } from '../vocabulary.ts';

const sizes = [3, 10, 30, 100, 300, 1_000];
const fleets = 10;
const sampled = 1_000_000;
/** Every join from the least of these sizes on, with so many keys each. */
const joins = { from: 3, count: 98, keys: 20_000 };

/** A fleet's number is the seed of the ids of its nodes; nothing else is left to chance. */
const captionOf = (sets: number): Caption => ({
  of: `Means of the seeds 0 to ${String(sets - 1)}, each with other node ids`,
  command: 'npm run bench -- balance',
});

const about = `How evenly keys are spread over equal nodes, and which keys move when a node joins. Nothing here depends on the
machine: a second run gives the same figures. \`hashring\` has its default of 160 points a node.

Shares are those of \`ownership()\`, and of \`hashring\` the arcs between its points. The keys that show what moves also show
that the shares are true: each node has as many as it should, give or take six standard deviations, or the run fails.

![The busiest node over the mean, by number of nodes](../../docs/guides/images/placement-balance.svg)

${captionLine(captionOf(fleets))}`;

/** Keys placed on equal nodes. */
interface Placed {
  readonly ownerOf: (key: string) => string;
  /** The exact share of all keys that each node owns. */
  readonly shares: () => ReadonlyMap<string, number>;
  readonly with: (node: string) => Placed;
}

/** A way to place keys. */
interface Way {
  readonly name: string;
  readonly place: (nodes: readonly string[]) => Placed;
  /** On a ring, how many points a node has. */
  readonly points?: number;
  readonly colour: string;
  readonly dashed?: boolean;
}

function placed(placement: Placement<PlacementNode>): Placed {
  return {
    ownerOf: (key) => placement.get(key)!.id,
    shares: () => placement.ownership(),
    with: (node) => placed(placement.with(node)),
  };
}

function placedByHashring(nodes: readonly string[]): Placed {
  const placement = new Hashring(nodes, 'md5', { 'max cache size': 1 });
  return {
    ownerOf: (key) => placement.get(key),
    shares() {
      const shares = new Map(nodes.map((node) => [node, 0]));
      let before = placement.ring.at(-1)!.value - 2 ** 32;
      for (const { value, server } of placement.ring) {
        shares.set(server, shares.get(server)! + (value - before) / 2 ** 32);
        before = value;
      }
      return shares;
    },
    // As `add` does, which makes all points anew.
    with: (node) => placedByHashring([...nodes, node]),
  };
}

const keyAt = (i: number): string => `user:${String(i)}`;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The share of the busiest node over the mean, averaged over some fleets. */
function peakOf({ place }: Way, size: number, count: number): number {
  return mean(
    Array.from({ length: count }, (_, fleet) => size * Math.max(...place(nodesOf(size, fleet)).shares().values())),
  );
}

interface Moved {
  /** Of all keys. */
  readonly fraction: number;
  /** Of all keys, those that moved between nodes that were there before. */
  readonly between: number;
}

/** What moves when one node joins. Also checks that the sampled keys are spread as the exact shares say. */
function join({ name, place }: Way, size: number, keys: number): Moved {
  const before = place(nodesOf(size));
  const newcomer = 'newcomer';
  const after = before.with(newcomer);
  const counts = new Map<string, number>();
  let moved = 0;
  let between = 0;
  for (let i = 0; i < keys; i++) {
    const key = keyAt(i);
    const [from, to] = [before.ownerOf(key), after.ownerOf(key)];
    counts.set(from, (counts.get(from) ?? 0) + 1);
    if (from === to) continue;
    moved++;
    if (to !== newcomer) between++;
  }
  for (const [node, share] of before.shares()) {
    const [count, expected] = [counts.get(node) ?? 0, keys * share];
    const differ = `${name}, ${String(size)} nodes: ${node} has ${String(count)} of the keys, not about ${String(expected)}`;
    assert.ok(Math.abs(count - expected) <= 6 * Math.sqrt(expected) + 6, differ);
  }
  return { fraction: moved / keys, between: between / keys };
}

const grouped = (value: number): string => value.toLocaleString('en-US');
/** Hundredths of a percent; 0 for none at all. */
const percent = (fraction: number): string => (fraction === 0 ? '0' : (100 * fraction).toFixed(2));

function plotOf(ways: readonly Way[], peaks: readonly (readonly number[])[], sets: number): string {
  const lines = ways.map(({ name, colour, dashed = false }, w): Line => ({
    name,
    colour,
    dashed,
    points: sizes.map((x, s) => ({ x, y: peaks[s]![w]!, label: `${grouped(x)} nodes: ${peaks[s]![w]!.toFixed(3)}` })),
  }));
  return svg({
    title: 'Load of the busiest of n equal nodes over the mean',
    caption: captionOf(sets),
    x: { label: 'nodes', ticks: sizes, scale: 'log' },
    y: { label: 'busiest ÷ mean', ticks: [1, 1.1, 1.2, 1.5, 2, 3], scale: 'log' },
    // The most uneven first, as the lines end.
    lines: lines.sort((a, b) => b.points.at(-1)!.y - a.points.at(-1)!.y),
    frame: { height: 420, right: 540, gap: 20 },
  });
}

/** How even shares are, and how much moves. */
export const suite: MakeSuite = ({ hashing: { HashRing, Maglev, Rendezvous, SlotTable } }) => {
  const ring = (vnodes: number, colour: string): Way => ({
    name: `HashRing, ${grouped(vnodes)} points`,
    place: (nodes) => placed(new HashRing(nodes, { vnodes })),
    points: vnodes,
    colour,
  });
  const slotTable = (slots: number, colour: string): Way => ({
    name: `SlotTable, ${grouped(slots)} slots`,
    place: (nodes) => placed(new SlotTable(nodes, { slots })),
    colour,
  });
  const ways: readonly Way[] = [
    ring(256, '#2f81f7'),
    ring(1_000, '#1f9e89'),
    { name: 'Rendezvous', place: (nodes) => placed(new Rendezvous(nodes)), colour: '#8b5cf6' },
    {
      name: 'Maglev',
      place: (nodes) => placed(new Maglev(nodes, nodes.length > 600 ? { tableSize: 131_071 } : {})),
      colour: '#d4a017',
      dashed: true,
    },
    slotTable(4_096, '#e5679b'),
    slotTable(16_384, '#a8577e'),
    { name: 'hashring', place: placedByHashring, points: 160, colour: '#e0632f', dashed: true },
  ];
  const columns = ways.map(({ name }) => name);
  const right = ways.map((_, w) => w + 1);

  const peakTable = (peaks: readonly (readonly number[])[]): string[] =>
    tableLines({
      head: ['nodes', ...columns],
      right: [0, ...right],
      rows: sizes.map((size, s) => [
        grouped(size),
        ...ways.map(({ points }, w) => {
          const peak = peaks[s]![w]!.toFixed(3);
          return points === undefined ? peak : `${peak} (${expectedRingPeak(size, points).toFixed(3)})`;
        }),
      ]),
    });

  const movedTable = (keys: number): string[] =>
    tableLines({
      head: ['nodes', '1 ÷ (n + 1)', ...columns],
      right: [0, 1, ...right.map((column) => column + 1)],
      rows: sizes.map((size) => [
        grouped(size),
        percent(1 / (size + 1)),
        ...ways.map((way) => {
          const { fraction, between } = join(way, size, keys);
          return `${percent(fraction)} (${percent(between)})`;
        }),
      ]),
    });

  const everyJoin = (count: number, keys: number): string[] =>
    ways.map((way) => {
      const between = Array.from({ length: count }, (_, i) => join(way, joins.from + i, keys).between);
      const disturbed = between.filter((part) => part > 0).length;
      const most = disturbed === 0 ? '' : ` (up to ${percent(Math.max(...between))} %)`;
      return `${way.name}: ${String(disturbed)}${most}`;
    });

  return {
    title: 'How even shares are, and how much moves',
    about,
    peers: ['hashring'],
    cases: [],
    findings: (scale) => {
      const part = (whole: number): number => Math.ceil(whole * scale);
      const sets = part(fleets);
      const count = part(joins.count);
      const peaks = sizes.map((size) => ways.map((way) => peakOf(way, size, sets)));
      const text = [
        `The share of the busiest of n equal nodes over the mean, averaged over ${String(sets)} sets of node ids. In brackets what a ring`,
        'with as many points set by pure chance has in expectation.',
        '',
        ...peakTable(peaks),
        '',
        `Percent of ${grouped(part(sampled))} keys that move when one node joins n. In brackets those that move between nodes that stay.`,
        '',
        ...movedTable(part(sampled)),
        '',
        `In how many of the ${String(count)} joins from ${String(joins.from)} nodes to ${String(joins.from + count)} any of ${grouped(part(joins.keys))} keys moved between nodes that stay:`,
        '',
        ...everyJoin(count, part(joins.keys)).map((line) => `- ${line}`),
      ].join('\n');
      return {
        excerpts: [{ name: 'balance', text, document: 'docs/guides/hashing.md' }],
        files: [{ path: 'docs/guides/images/placement-balance.svg', text: plotOf(ways, peaks, sets) }],
      };
    },
  };
};
