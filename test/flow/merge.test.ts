import fc from 'fast-check';
import { flow, type Flow, merge } from 'holdfast/flow';
import { VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { steady } from '../support/serving.ts';
import { reading, readUntil, settled, source, taken, upTo } from './support.ts';

it('gives everything of every flow, each in its own order', async () => {
  const plans = fc.array(fc.array(fc.nat(5), { maxLength: 12 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(plans, async (delays) => {
      const clock = new VirtualClock();
      const flows = delays.map((waits, i) =>
        flow(
          (async function* () {
            for (const [n, ms] of waits.entries()) {
              if (ms > 0) await clock.sleep(ms);
              yield { i, n };
            }
          })(),
          { runtime: steady(clock) },
        ),
      );
      const merging = taken(merge(...flows, { runtime: steady(clock) }));
      await clock.runUntilIdle();
      const merged = await merging;
      for (const [i, waits] of delays.entries())
        expect(merged.filter((item) => item.i === i).map(({ n }) => n)).toEqual(upTo(waits.length));
    }),
  );
});

it('gives what comes first first', async () => {
  const clock = new VirtualClock();
  const runtime = steady(clock);
  const after = (...ms: number[]): Flow<number> =>
    flow(
      (async function* () {
        for (const at of ms) {
          await clock.sleep(at - clock.now());
          yield at;
        }
      })(),
      { runtime },
    );
  const merging = taken(merge(after(3, 4, 20), after(1, 10), after(2, 30), { runtime }));
  await clock.runUntilIdle();
  expect(await merging).toEqual([1, 2, 3, 4, 10, 20, 30]);
});

it('starves nobody: of n flows that are always ready each comes every n-th time, where IxJS gives 1000 to 0', async () => {
  for (const n of [2, 3, 7]) {
    const flows = upTo(n).map((i) => flow(Array.from({ length: 1_000 }, () => i)));
    const { read, iterator } = await reading(merge(...flows), 1_000);
    for (let at = 0; at + n <= read.length; at += n)
      expect(new Set(read.slice(at, at + n).map(({ value }) => value)).size).toBe(n);
    await iterator.return!();
  }
});

it('reads at most one of each flow ahead', async () => {
  const flows = upTo(5).map(() => source(100));
  await reading(merge(...flows.map((of) => of.flow)), 7);
  await settled();
  const read = flows.map((of) => of.read);
  expect(Math.max(...read)).toBeLessThanOrEqual(2);
});

it('lets timers fire beside flows that are always ready', async () => {
  function* ready(): Generator<number> {
    // An end, so that a merge that takes no turn fails here and does not hang.
    for (let n = 0; n < 1_000_000; n++) yield n;
  }
  let fired = false;
  const timer = setTimeout(() => (fired = true), 5);
  const always = merge(flow(ready()), flow(ready()));
  await readUntil(always, () => fired);
  clearTimeout(timer);
  expect(fired).toBe(true);
});

it('an error of one closes the others, comes after what was ready, and is thrown', async () => {
  const flows = [source(2, 'fails'), source(100), source(0, 'hangs')];
  const seen: unknown[] = [];
  const loop = async (): Promise<void> => {
    for await (const delivery of merge(...flows.map((of) => of.flow))) {
      seen.push(delivery.value);
      await delivery.ack();
    }
  };
  await expect(loop()).rejects.toMatchObject({ message: 'broken' });
  await settled();
  expect(seen).toEqual([0, 0, 1, 1]);
  expect(flows.map((of) => of.closed)).toEqual([0, 1, 1]);
  for (const { told, read } of flows) expect(told.length).toBe(read);
});

it('of no flows is empty', async () => {
  expect(await taken(merge())).toEqual([]);
});

it('a flow with names of its own is a flow, also in the place of the options', async () => {
  const named = Object.assign(source(2).flow, { runtime: 'mine', title: 'letters' });
  expect(await taken(merge(source(0).flow, named))).toEqual([0, 1]);
});
