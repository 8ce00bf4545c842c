import { VirtualClock } from 'holdfast/testing';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { expect } from 'vitest';
import { runs } from '../../support/properties.ts';
import { afterFailure, allowed, type Respawn, sound } from '../../../src/queue/pools/respawn.ts';
import { contextOf } from './contract.ts';
import { type FakeIsolate, FakePool } from './fake-pool.ts';

type Step =
  | { readonly do: 'resize'; readonly to: number }
  | { readonly do: 'run' | 'abort' | 'ready' | 'unready' | 'done' | 'failed' | 'broken' | 'stray' | 'late' | 'die'; readonly at: number }
  | { readonly do: 'wait'; readonly ms: number }; // prettier-ignore

const at = fc.nat(7);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('resize' as const), to: fc.nat(5) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 5_000, 40_000) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('run' as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('ready' as const, 'done' as const), at }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('abort' as const, 'unready' as const, 'failed' as const, 'broken' as const, 'stray' as const, 'late' as const, 'die' as const), at }) }, // prettier-ignore
);

interface Job {
  readonly name: string;
  readonly controller: AbortController;
  readonly settled: unknown[];
}

describe('a pool of workers that may be lost', () => {
  it('gives each job to one worker, settles it once, and is at full strength when all is well again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        async (steps, maxJobs) => {
          const clock = new VirtualClock();
          const pool = new FakePool(clock, { maxJobs });
          const jobs: Job[] = [];
          const busy = new Map<FakeIsolate, Job>();
          let wanted = 0;
          let told = 0;
          pool.open(() => {
            told++;
          });
          const check = (): void => {
            expect(pool.busy).toBe(jobs.filter(({ settled }) => settled.length === 0).length);
            expect(pool.size).toBeGreaterThanOrEqual(pool.busy);
            expect(pool.size).toBeLessThanOrEqual(Math.max(wanted, pool.busy));
            expect(pool.staying.length).toBeLessThanOrEqual(Math.max(wanted, pool.busy));
          };
          const run = (): void => {
            const job: Job = { name: `job ${String(jobs.length)}`, controller: new AbortController(), settled: [] };
            const hadRoom = pool.busy < pool.size;
            if (!hadRoom) return; // a queue would not
            jobs.push(job);
            const before = pool.busy;
            pool.run({ data: job.name }, contextOf({ signal: job.controller.signal })).then(
              (value) => job.settled.push(value),
              (error: unknown) => job.settled.push(error),
            );
            if (pool.busy === before) return; // refused
            const isolate = pool.isolates.find((one) => one.job?.data === job.name)!;
            expect(busy.get(isolate)?.settled.length).not.toBe(0);
            busy.set(isolate, job);
          };
          for (const next of steps) {
            const there = pool.isolates.filter(({ gone }) => !gone);
            const isolate = 'at' in next && there.length > 0 ? there[next.at % there.length] : undefined;
            const job = isolate === undefined ? undefined : busy.get(isolate);
            const sizeBefore = pool.size;
            const toldBefore = told;
            switch (next.do) {
              case 'resize':
                wanted = next.to;
                pool.resize(next.to);
                break;
              case 'wait':
                await clock.advance(next.ms);
                break;
              case 'run':
                run();
                break;
              case 'abort':
                job?.controller.abort();
                break;
              case 'ready':
                isolate?.say({ type: 'ready' });
                break;
              case 'unready':
                if (job === undefined) isolate?.say({ type: 'unready', error: { thrown: 'unready' } });
                break;
              case 'done':
                if (job) isolate?.say({ type: 'done', seq: isolate.job!.seq, value: job.name, spent: false });
                break;
              case 'failed':
                if (job)
                  isolate?.say({ type: 'failed', seq: isolate.job!.seq, error: { thrown: job.name }, spent: true });
                break;
              case 'broken':
                isolate?.say({ type: 'broken', seq: isolate.job?.seq, error: { thrown: 'broken' } });
                break;
              case 'stray':
                isolate?.say({ type: 'broken', seq: undefined, error: { thrown: 'stray' } });
                break;
              case 'late':
                isolate?.say({ type: 'done', seq: -1, value: 'of nobody', spent: false });
                break;
              case 'die':
                isolate?.die({ exitCode: 1 });
            }
            if (pool.size > sizeBefore && next.do !== 'resize') expect(told).toBeGreaterThan(toldBefore);
            await clock.advance(0);
            check();
          }
          // All is well from here on.
          pool.resize((wanted = 3));
          for (let round = 0; round < 40 && pool.size !== 3; round++) {
            for (const isolate of pool.staying) isolate.say({ type: 'ready' });
            await clock.advance(1_000);
          }
          for (const [isolate, job] of busy) {
            if (job.settled.length === 0)
              isolate.say({ type: 'done', seq: isolate.job!.seq, value: job.name, spent: false });
          }
          await clock.advance(0);
          for (let round = 0; round < 40 && (pool.size !== 3 || pool.staying.length !== 3); round++) {
            for (const isolate of pool.staying) isolate.say({ type: 'ready' });
            await clock.advance(1_000);
          }
          expect([pool.size, pool.busy, pool.staying.length]).toEqual([3, 0, 3]);
          expect(pool.staying.every(({ held }) => !held)).toBe(true);
          for (const { settled, name } of jobs) {
            expect(settled).toHaveLength(1);
            const [end] = settled as [unknown];
            if (end !== name)
              expect(end).toMatchObject({ code: expect.stringMatching(/WORKER_LOST|NO_WORKER/) as string });
          }
          await pool.close({ graceMs: 0 });
          await clock.advance(0);
          expect(pool.isolates.every(({ gone }) => gone)).toBe(true);
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: runs(5) },
    );
  });

  it('pauses double between failed starts, and one start goes ahead', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.nat(10),
        fc.nat(10),
        fc.nat(10),
        (failures, wanted, starting, ready) => {
          let state: Respawn = sound;
          let now = 0;
          const pauses: number[] = [];
          for (let count = 0; count < failures; count++) {
            state = afterFailure(state, now);
            pauses.push(state.notBefore - now);
            now = state.notBefore;
          }
          expect(pauses.every((pause, index) => pause === Math.min(100 * 2 ** index, 30_000))).toBe(true);
          const crew = { wanted, starting, ready };
          expect(allowed(state, now - 1, crew)).toBe(0);
          const missing = Math.max(0, wanted - starting - ready);
          expect(allowed(sound, now, crew)).toBe(missing);
          expect(allowed(state, now, crew)).toBe(ready > 0 ? missing : starting > 0 ? 0 : Math.min(1, missing));
        },
      ),
    );
  });
});
