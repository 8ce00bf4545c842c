import { failover, requests } from './failover.ts';

const seeds = Array.from({ length: 10 }, (_, i) => i + 1);

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

/** The simulated part of the election report, as Markdown: the same on every machine. */
export async function simulated(): Promise<{ readonly failover: string; readonly requests: string }> {
  return {
    failover: table(
      ['lease / renewal', 'crashes', 'p50', 'p99', 'max'],
      (await failover(seeds)).map(({ name, crashes, p50Ms, p99Ms, maxMs }) => [
        name,
        String(crashes),
        ...[p50Ms, p99Ms, maxMs].map(seconds),
      ]),
    ),
    requests: table(
      ['lease / renewal', 'one leader', '100 followers, together'],
      (await requests()).map(({ name, leader, followers }) => [name, leader.toFixed(2), followers.toFixed(2)]),
    ),
  };
}
