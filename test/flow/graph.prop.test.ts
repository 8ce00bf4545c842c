import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { listenersOf } from '../support/serving.ts';
import { recordWarnings } from '../support/warnings.ts';
import { graphs, type GraphResult, runGraph } from './graph.ts';

recordWarnings();

function account({ ledger, sources, accounts, clock, signal }: GraphResult): void {
  for (const { opened, closed, ended } of sources)
    if (!ended || opened !== 1) expect({ opened, closed }).toEqual({ opened, closed: opened });
    else expect(closed).toBeLessThanOrEqual(1); // its end and its reader's may have crossed
  for (const [id, settlements] of ledger.settlements) {
    expect([id, settlements]).toEqual([id, [ledger.isDone(id) ? 'ack' : 'nack']]);
  }
  for (const { report, seen } of accounts) expect(report).toEqual(seen);
  expect({ timers: clock.pending, listeners: listenersOf(signal) }).toEqual({ timers: 0, listeners: 0 });
}

describe('any graph of operators', () => {
  it(
    'closes every source and settles every delivery once, acknowledged if and only if all that came of it was',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(graphs(false), async (plan) => {
          account(await runGraph(plan));
        }),
        { numRuns: runs(10) },
      );
    },
  );

  it('acknowledges everything when nothing fails and nobody leaves', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(graphs(true), async (plan) => {
        const result = await runGraph(plan);
        account(result);
        expect(result.errors).toEqual([]);
        for (const [id, [settled]] of result.ledger.settlements) expect([id, settled]).toEqual([id, 'ack']);
      }),
      { numRuns: runs(5) },
    );
  });

  it('does the same again, at the same times, of the same seed', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(graphs(false), async (plan) => {
        const [one, other] = [await runGraph(plan), await runGraph(plan)];
        expect(one.log).toEqual(other.log);
        expect(one.ledger.settlements).toEqual(other.ledger.settlements);
      }),
    );
  });
});
