import fc from 'fast-check';
import { VirtualClock } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { type Alarm, Alarms } from '../../src/queue/alarms.ts';
import { Heap } from '../../src/queue/backlog/heap.ts';
import { Job } from '../../src/queue/backlog/job.ts';
import { Line } from '../../src/queue/backlog/line.ts';
import { Ring } from '../../src/queue/backlog/ring.ts';
import { runs, seed } from '../support/properties.ts';

const steps = fc.array(fc.tuple(fc.nat(9), fc.nat(999)), { maxLength: 400, size: 'max' });

it('a ring is an array', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const [ring, array] = [new Ring<number>(), [] as number[]];
      for (const [kind, n] of sequence) {
        if (kind < 5) {
          ring.push(n);
          array.push(n);
        } else if (kind < 8) expect(ring.shift()).toBe(array.shift());
        else if (kind < 9) expect(ring.pop()).toBe(array.pop());
        else {
          const wanted = (item: number): boolean => item % 4 !== n % 4;
          ring.keep(wanted);
          array.splice(0, array.length, ...array.filter(wanted));
        }
        if (ring.size !== array.length || ring.first !== array[0] || ring.last !== array.at(-1)) expect.fail('differs');
      }
      expect([...ring]).toEqual(array);
    }),
    { seed, numRuns: runs(3) },
  );
});

it('a heap has the least in front', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const heap = new Heap<{ n: number }>((a, b) => a.n < b.n);
      const array: { n: number }[] = [];
      for (const [kind, n] of sequence) {
        if (kind < 5) {
          const item = { n };
          heap.push(item);
          array.push(item);
        } else if (kind < 8) {
          const item = heap.pop();
          if (item !== undefined) array.splice(array.indexOf(item), 1);
        } else if (kind < 9 && heap.first !== undefined) {
          heap.first.n += n;
          heap.sinkFirst();
        } else {
          const wanted = (item: { readonly n: number }): boolean => item.n % 4 !== n % 4;
          heap.keep(wanted);
          array.splice(0, array.length, ...array.filter(wanted));
        }
        if (heap.size !== array.length) expect.fail('another size');
        if (array.length > 0 && heap.first?.n !== Math.min(...array.map((item) => item.n)))
          expect.fail('not the least');
      }
    }),
    { seed, numRuns: runs(3) },
  );
});

it('a line is a list in order of rank, whatever becomes of those that stand in it', () => {
  fc.assert(
    fc.property(fc.constantFrom(undefined, 3, 40), steps, (agingMs, sequence) => {
      const line = new Line<number>(agingMs);
      let jobs: Job<number>[] = [];
      let nowMs = 0;
      const rank = ({ sinceMs, priority }: Job<number>): number =>
        agingMs === undefined ? -priority : sinceMs - priority * agingMs;
      for (const [kind, n] of sequence) {
        nowMs += 0.1 + (n % 37) / 7;
        if (kind < 4) {
          const job = new Job(n, n, (n % 5) - 2, undefined);
          job.sinceMs = nowMs;
          line.push(job);
          jobs.push(job);
        } else if (kind < 6) {
          const next = jobs.reduce<Job<number> | undefined>(
            (best, job) => (best === undefined || rank(job) < rank(best) ? job : best),
            undefined,
          );
          if (line.shift() !== next) expect.fail('another one was next');
          if (next !== undefined) next.state = 'leased';
        } else if (kind < 8 && jobs.length > 0) jobs[n % jobs.length]!.state = 'cancelled';
        else if (n % 3 === 0) line.sweep();
        else if (n % 3 === 1) {
          const least = Math.min(...jobs.map(({ priority }) => priority));
          const youngest = jobs.filter(({ priority }) => priority === least).at(-1);
          if (line.lowest() !== youngest) expect.fail('another one was the lowest');
        } else {
          const oldestMs = Math.max(0, ...jobs.map(({ sinceMs }) => nowMs - sinceMs));
          expect(line.oldestMs(nowMs)).toBe(oldestMs);
        }
        jobs = jobs.filter(({ state }) => state === 'waiting');
      }
      expect(new Set(line.jobs())).toEqual(new Set(jobs));
    }),
    { seed, numRuns: runs(10) },
  );
});

it('alarms ring at their time, in order, on one timer, and not when they were taken back', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const clock = new VirtualClock();
      const alarms = new Alarms(clock, { ref: false });
      const rung: number[] = [];
      const due = new Map<Alarm, number>();
      for (const [kind, n] of sequence) {
        if (kind < 5) {
          const dueMs = clock.now() + n;
          const alarm = alarms.set(n, () => {
            rung.push(dueMs);
            due.delete(alarm);
            if (clock.now() !== dueMs) expect.fail('not at its time');
          });
          due.set(alarm, dueMs);
        } else if (kind < 9) {
          const alarm = [...due.keys()][n % Math.max(1, due.size)];
          alarms.cancel(alarm);
          alarms.cancel(alarm);
          if (alarm !== undefined) due.delete(alarm);
        } else await clock.advance(n % 50);
        if (clock.pending > 1) expect.fail('more than one timer');
        if (clock.pending !== (due.size > 0 ? 1 : 0)) expect.fail('a timer for nothing, or none for something');
      }
      const left = [...due.values()].sort((a, b) => a - b);
      const before = rung.length;
      await clock.advance(500);
      expect(rung.slice(before)).toEqual(left.filter((ms) => ms <= clock.now()));
      const last = [...due.keys()];
      alarms.close();
      for (const alarm of last) alarms.cancel(alarm);
      alarms.set(1, () => expect.fail('it is closed'));
      expect(clock.pending).toBe(0);
    }),
    { seed, numRuns: runs(3) },
  );
});
