import { readFileSync } from 'node:fs';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { failover, requests } from '../../simulations/election/failover.ts';
import { simulated } from '../../simulations/election/report.ts';

describe('fail-over', () => {
  it('is a lease less a part of a renewal, and the same for the same seeds', async () => {
    const rows = await failover([1, 2]);
    expect(rows.map(({ crashes }) => crashes)).toEqual([200, 200, 200, 200]);
    const [go, like, six, three] = rows;
    expect(go!.p50Ms).toBeGreaterThan(15_000);
    for (const [row, ttlMs, renewMs] of [
      [like, 15_000, 2_000],
      [six, 6_000, 1_500],
      [three, 3_000, 750],
    ] as const) {
      expect(row!.p50Ms).toBeGreaterThan(ttlMs - 1.1 * renewMs);
      expect(row!.p50Ms).toBeLessThan(go!.p50Ms);
      expect(row!.maxMs).toBeLessThan(ttlMs + Math.min(500, ttlMs / 20) + 100);
    }
    expect(await failover([1, 2])).toEqual(rows);
  });
});

describe('requests', () => {
  it('are those of the leader, where the store gives hints when the lease changes hands', async () => {
    const [go, without, hands, writes] = await requests();
    expect(go!.followers).toBeCloseTo(31.25);
    for (const { leader } of [without!, hands!, writes!]) expect(leader).toBeCloseTo(0.5, 1);
    expect(hands!.followers).toBeLessThan(without!.followers / 5);
    expect(writes!.followers).toBeGreaterThan(without!.followers / 2);
  });
});

describe('the election report', () => {
  it('has the simulated tables as they come', async () => {
    const report = readFileSync('docs/election-report.md', 'utf8');
    for (const table of Object.values(await simulated()))
      expect(report).toContain(await format(table, { parser: 'markdown' }));
  });
});
