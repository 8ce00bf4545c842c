import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import async from 'async';
import Bottleneck from 'bottleneck';
import fastq from 'fastq';
import PQueue from 'p-queue';
import type { WorkQueueOptions } from '../../src/queue/index.ts';
import { settledMemory } from '../harness.ts';
import { digits } from '../report.ts';
import { median, randomFrom } from '../statistics.ts';
import { type Case, contestant, type Figure, type Holding, type MakeSuite } from '../vocabulary.ts';

const about = `Jobs in memory whose function returns at once: what is measured is the bookkeeping alone. 16 run at a time. One operation is a
whole run, from the first job added to the last result; the figures are those of one job of it. A queue lives through all rounds of
its case, as it does in a service: what a new one costs until the engine has compiled for it is not in.

- \`run\` of holdfast captures the caller's async context, keeps time and accounts for each job; \`add\` makes no result promise
  unless it is asked for one. \`fastq\` and \`async\` do none of that; p-queue has priorities and a timeout.
- \`addAll\` is read to its end. It takes from the source as results are read, 1,000 ahead. fastq has nothing like it, so it
  has two rows: all jobs pushed at once, one promise each, and by hand in batches of 1,000, each awaited before the next.
  The batches live short enough for the cheap part of garbage collection, and hold 16 places open only within a batch.
- \`bottleneck\` starts every job from a timer, one after the other: it has a figure of its own, over few jobs.
- A queued job of fastq is a task with a callback, without a promise; p-queue makes a promise for each.
- The figures below the tables are medians of rounds in which all take part in turn. "Drain" is from \`resume\` to the last end, of jobs
  that were added while the queue was paused. "Depth" is the time of a job of the deepest queue over that of a shallow one.
- The I/O jobs wait for a timer of 1 ms. N·S/c is the sum of the times that they took, as they measured it themselves,
  over the 16 places; by hand it is 16 loops over one counter.`;

const places = 16;
const roomy = { workers: places, maxQueued: 10_000_000 } satisfies WorkQueueOptions<number>;

const noop = async (n: number): Promise<number> => n;
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function* upTo(count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield i;
}

/** Adds all at once and waits for each result. */
async function atOnce(count: number, push: (n: number) => PromiseLike<number>): Promise<number> {
  const results = new Array<PromiseLike<number>>(count);
  for (let i = 0; i < count; i++) results[i] = push(i);
  return sumOf(await Promise.all(results));
}

/** Adds a batch, waits for its results, and goes on with the next. */
async function inBatches(count: number, size: number, push: (n: number) => Promise<number>): Promise<number> {
  let sum = 0;
  for (let from = 0; from < count; from += size) {
    sum += await atOnce(Math.min(size, count - from), (i) => push(from + i));
  }
  return sum;
}

/** Milliseconds that something takes. */
async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

interface Drill {
  readonly name: string;
  /** One round; a figure of it. */
  readonly round: () => Promise<number>;
}

/** The median of each, over rounds in which each takes part. */
async function medians(drills: readonly Drill[], rounds: number): Promise<readonly number[]> {
  const values = drills.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, drill] of drills.entries()) {
      await settledMemory(); // what the one before has left is not this one's
      values[i]!.push(await drill.round());
    }
  }
  return values.map(median);
}

/** Work queues. */
export const suite: MakeSuite = ({ queue: { WorkQueue } }) => {
  const queueOf = (): InstanceType<typeof WorkQueue<number, number>> => new WorkQueue(noop, roomy);

  /** The results of `addAll`, read to the end. */
  const addAll = async (queue: ReturnType<typeof queueOf>, count: number): Promise<number> => {
    let sum = 0;
    for await (const settled of queue.addAll(upTo(count))) {
      assert.ok(settled.status === 'done');
      sum += settled.value;
    }
    return sum;
  };
  const fastqPush = (): ((n: number) => Promise<number>) => {
    const queue = fastq.promise<unknown, number, number>(noop, places);
    return (n) => queue.push(n);
  };
  const pqueuePush = (): ((n: number) => Promise<number>) => {
    const queue = new PQueue({ concurrency: places });
    return (n) => queue.add(() => noop(n));
  };

  const asyncPush = (): ((n: number) => Promise<number>) => {
    const queue = async.queue(noop, places);
    return (n) => queue.pushAsync(n);
  };

  const results = (jobs: number): Case => {
    const ours = queueOf();
    const [theirs, others, lanes] = [fastqPush(), asyncPush(), pqueuePush()];
    return {
      name: `${digits(jobs)} jobs at once, a result each`,
      parts: jobs,
      contestants: [
        contestant('holdfast run', () => atOnce(jobs, (n) => ours.run(n))),
        contestant('fastq.promise', () => atOnce(jobs, theirs), { target: { ratio: { atLeast: 1.5 } } }),
        contestant('async.queue', () => atOnce(jobs, others), { target: { ratio: { atLeast: 1.5 } } }),
        contestant('p-queue', () => atOnce(jobs, lanes), { target: { ratio: { atLeast: 2.5 } } }),
      ],
    };
  };

  const stream = (jobs: number): Case => {
    const ours = queueOf();
    const [theirs, batched] = [fastqPush(), fastqPush()];
    return {
      name: `${digits(jobs)} jobs from an iterator`,
      parts: jobs,
      contestants: [
        contestant('holdfast addAll', () => addAll(ours, jobs)),
        contestant('fastq.promise, all at once', () => atOnce(jobs, theirs), { target: { ratio: { atLeast: 4 } } }),
        contestant('fastq.promise, batches of 1,000 by hand', () => inBatches(jobs, 1_000, batched)),
      ],
    };
  };

  const queued = (): Holding => {
    let push: (n: number) => unknown = noop;
    const holder = (name: string, open: () => (n: number) => unknown, target?: number): Holding['holders'][number] => ({
      name,
      before: () => {
        push = open();
      },
      // Nothing is kept but what the queue keeps.
      make: (i) => void push(i),
      after: () => {
        push = noop;
      },
      ...(target !== undefined && { target }),
    });
    return {
      name: 'a queued job',
      items: 160_000,
      holders: [
        holder(
          'holdfast add',
          () => {
            const queue = new WorkQueue(noop, { ...roomy, paused: true });
            return (n) => queue.add(n);
          },
          250,
        ),
        holder('fastq', () => {
          const queue = fastq((n: number, done: fastq.done<number>) => {
            done(null, n);
          }, places);
          queue.pause();
          return (n) => {
            queue.push(n);
          };
        }),
        holder('p-queue', () => {
          const queue = new PQueue({ concurrency: places, autoStart: false });
          return (n) => queue.add(() => noop(n));
        }),
      ],
    };
  };

  /** Jobs a second of a queue that was filled while it was paused. */
  const drains = (count: number): readonly Drill[] => [
    {
      name: 'holdfast',
      round: async () => {
        const queue = new WorkQueue(noop, { ...roomy, paused: true });
        for (let i = 0; i < count; i++) void queue.add(i);
        const ms = await timed(() => {
          queue.resume();
          return queue.onIdle();
        });
        assert.equal(queue.stats().done, count);
        return ms;
      },
    },
    {
      name: 'fastq, callbacks',
      round: () => {
        const queue = fastq((n: number, done: fastq.done<number>) => {
          noop(n).then((value) => {
            done(null, value);
          }, done);
        }, places);
        queue.pause();
        for (let i = 0; i < count; i++) queue.push(i);
        return timed(
          () =>
            new Promise<void>((resolve) => {
              queue.drain = resolve;
              queue.resume();
            }),
        );
      },
    },
    {
      name: 'p-queue',
      round: () => {
        const queue = new PQueue({ concurrency: places, autoStart: false });
        for (let i = 0; i < count; i++) void queue.add(() => noop(i));
        return timed(() => queue.start().onIdle());
      },
    },
  ];

  const drained = async (count: number): Promise<Figure[]> => {
    const drills = drains(count);
    const shallow = Math.ceil(count / 100);
    const deepMs = await medians(drills, 3);
    // As many jobs in all, or the engine would not be warm.
    const shallowMs = await medians(
      drains(shallow).map(({ name, round }) => ({
        name,
        round: async () => {
          const each: number[] = [];
          for (let i = 0; i < 20; i++) each.push(await round());
          return median(each);
        },
      })),
      3,
    );
    const rate = (ms: number): string => `${digits(count / ms / 1e3)} M jobs/s`;
    const depth = deepMs.map((ms, i) => ms / count / (shallowMs[i]! / shallow));
    return [
      ...drills.map(({ name }, i) => ({
        name: `drain of ${digits(count)} jobs`,
        contestant: name,
        value: rate(deepMs[i]!),
        ...(i === 0 && { target: '≥ 1 M jobs/s', met: count / deepMs[i]! >= 1_000 }),
      })),
      ...drills.map(({ name }, i) => ({
        name: `depth: ${digits(count)} over ${digits(shallow)} jobs`,
        contestant: name,
        value: `${digits(depth[i]!)}×`,
        ...(i === 0 && { target: '≤ 1.5×', met: depth[i]! <= 1.5 }),
      })),
    ];
  };

  const streamed = async (count: number): Promise<Figure[]> => {
    const ours = queueOf();
    const [theirs, batched] = [fastqPush(), fastqPush()];
    const drills: readonly Drill[] = [
      { name: 'holdfast addAll', round: () => timed(() => addAll(ours, count)) },
      { name: 'fastq.promise, all at once', round: () => timed(() => atOnce(count, theirs)) },
      {
        name: 'fastq.promise, batches of 1,000 by hand',
        round: () => timed(() => inBatches(count, 1_000, batched)),
      },
    ];
    const ms = await medians(drills, 5);
    return drills.map(({ name }, i) => ({
      name: `${digits(count)} jobs from an iterator`,
      contestant: name,
      value: `${digits(count / ms[i]! / 1e3)} M jobs/s; ours ÷ this ${digits(ms[i]! / ms[0]!)}`,
      ...(i === 1 && { target: '≥ 4×', met: ms[1]! / ms[0]! >= 4 }),
    }));
  };

  const limited = async (count: number): Promise<Figure> => {
    const [ms = Number.NaN] = await medians(
      [
        {
          name: 'bottleneck',
          round: () => {
            const queue = new Bottleneck({ maxConcurrent: places });
            return timed(() => atOnce(count, (n) => queue.schedule(noop, n)));
          },
        },
      ],
      3,
    );
    return {
      name: `${digits(count)} jobs at once, a result each`,
      contestant: 'bottleneck',
      value: `${digits((ms * 1e6) / count)} ns a job`,
    };
  };

  type Order = (count: number) => (i: number) => number;
  const orders: readonly (readonly [name: string, order: Order])[] = [
    [
      'random priorities',
      (count) => {
        const random = randomFrom(count);
        return () => Math.floor(random() * count);
      },
    ],
    ['rising priorities', () => (i) => i],
  ];

  /** How the time grows when as many again are added and worked off. */
  const prioritised = async (largest: number): Promise<Figure[]> => {
    const figures: Figure[] = [];
    for (const [name, order] of orders) {
      const ours = (count: number): Drill => ({
        name: 'holdfast',
        round: () => {
          const queue = new WorkQueue(noop, { ...roomy, paused: true });
          const priorityOf = order(count);
          return timed(() => {
            for (let i = 0; i < count; i++) void queue.add(i, { priority: priorityOf(i) });
            queue.resume();
            return queue.onIdle();
          });
        },
      });
      const theirs = (count: number): Drill => ({
        name: 'p-queue',
        round: () => {
          const queue = new PQueue({ concurrency: places, autoStart: false });
          const priorityOf = order(count);
          return timed(() => {
            for (let i = 0; i < count; i++) void queue.add(() => noop(i), { priority: priorityOf(i) });
            return queue.start().onIdle();
          });
        },
      });
      for (const [make, most] of [
        [ours, largest],
        [theirs, Math.ceil(largest / 20)], // longer takes minutes
      ] as const) {
        const counts = [most / 4, most / 2, most].map(Math.ceil);
        const drills = counts.map(make);
        const [first, second, third] = (await medians(drills, 5)) as [number, number, number];
        const worst = Math.max(second / first, third / second);
        figures.push({
          name: `${name}, doubled twice`,
          contestant: drills[0]!.name,
          value: `${counts.map(digits).join(', ')} jobs: ${[first, second, third].map(digits).join(', ')} ms; × ${digits(second / first)}, × ${digits(third / second)}`,
          ...(make === ours && { target: '≤ × 2.4', met: worst <= 2.4 }),
        });
      }
    }
    return figures;
  };

  const cancelled = async (count: number): Promise<Figure> => {
    const [ms = Number.NaN] = await medians(
      [
        {
          name: 'holdfast',
          round: async () => {
            const queue = new WorkQueue(noop, { ...roomy, paused: true });
            for (let i = 0; i < count; i++) void queue.add(i, { id: String(i) });
            const took = await timed(async () => {
              for (let i = 0; i < count; i++) await queue.cancel(String(i));
            });
            assert.equal(queue.stats().cancelled, count);
            return took;
          },
        },
      ],
      5,
    );
    return {
      name: `cancelling ${digits(count)} jobs by id`,
      contestant: 'holdfast',
      value: `${digits(ms)} ms`,
      target: '≤ 500 ms',
      met: ms <= 500,
    };
  };

  /** How long the whole takes, over the sum of the waits that its places share. */
  const waiting = async (count: number): Promise<Figure[]> => {
    let waitedMs = 0;
    const job = async (n: number): Promise<number> => {
      const start = performance.now();
      await sleep(1);
      waitedMs += performance.now() - start;
      return n;
    };
    const share = async (work: () => unknown): Promise<number> => {
      waitedMs = 0;
      const ms = await timed(work);
      return ms / (waitedMs / places);
    };
    const drills: readonly Drill[] = [
      {
        name: 'holdfast run',
        round: () => {
          const queue = new WorkQueue(job, roomy);
          return share(() => Promise.all(Array.from({ length: count }, (_, i) => queue.run(i))));
        },
      },
      {
        name: 'fastq.promise',
        round: () => {
          const queue = fastq.promise<unknown, number, number>(job, places);
          return share(() => Promise.all(Array.from({ length: count }, (_, i) => queue.push(i))));
        },
      },
      {
        name: 'by hand',
        round: () => {
          let left = count;
          const place = async (): Promise<void> => {
            while (left-- > 0) await job(left);
          };
          return share(() => Promise.all(Array.from({ length: places }, place)));
        },
      },
    ];
    const shares = await medians(drills, 5);
    return drills.map(({ name }, i) => ({
      name: `${digits(count)} I/O jobs of 1 ms, over N·S/c`,
      contestant: name,
      value: `${digits(shares[i]!)}×`,
      ...(i === 0 && { target: '≤ 1.03×', met: shares[i]! <= 1.03 }),
    }));
  };

  return {
    title: 'Work queues',
    about,
    peers: ['async', 'bottleneck', 'fastq', 'p-queue'],
    cases: [() => results(100_000), () => stream(100_000)],
    holdings: [queued()],
    findings: async (scale) => {
      const part = (whole: number): number => Math.ceil(whole * scale);
      return {
        figures: [
          await limited(part(1_000)),
          ...(await streamed(part(1_000_000))),
          ...(await drained(part(1_000_000))),
          ...(await prioritised(part(400_000))),
          await cancelled(part(100_000)),
          ...(await waiting(part(20_000))),
        ],
      };
    },
  };
};
