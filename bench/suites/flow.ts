import { Repeater } from '@repeaterjs/repeater';
import { Stream } from 'effect';
import itMerge from 'it-merge';
import { asyncFork, asyncInterleaveReady } from 'iter-tools';
import { merge as ixMerge } from 'ix/asynciterable';
import { groupBy as ixGroupBy, map as ixMap, mergeAll as ixMergeAll, publish } from 'ix/asynciterable/operators';
import { from, groupBy, map as rxMap, merge as rxMerge, mergeAll, take } from 'rxjs';
import { parallelMerge } from 'streaming-iterables';
import { gzipOf } from '../size.ts';
import { type Case, contestant, type Figure, type MakeSuite } from '../vocabulary.ts';

const about = `Sources that are always ready, so that what is measured is the machinery alone. One operation is a run over all values; the figures
are those of one value of it.

- holdfast moves deliveries and acknowledges each one, back to its source; the peers move values, and have no way back. A value of
  the two-way copy counts once, though it is delivered twice.
- iter-tools' \`asyncFork\` and IxJS' \`publish\` keep without bound what a branch has not read; holdfast holds the others up
  (\`'block'\`, 16 by default).
- RxJS pushes: it has no back-pressure, and reads a source to its end whoever keeps up.
- The figures below the tables are counts, not times. "Left open": of 3 sources that a merge reads, how many were not closed
  after the reader left (\`break\` after 5 values, \`take(5)\` in RxJS), and of the 2 others when one failed.
- Map → shard → merge is in IxJS and RxJS what comes nearest: \`groupBy\` with the same placement, and \`mergeAll\` of the groups,
  whose number need not be known before. streaming-iterables, iter-tools and it-merge have nothing that sends a value to one of
  several branches: three forks that each drop what is not theirs would ask the placement three times, and compare something else.
- "gzip": what an import of the operators weighs with all that it depends on, bundled and minified by esbuild, in bytes. Ours have
  the checks of options and the errors in them; the kernel that all patterns share is in each.`;

const values = 2_000;

class Source implements AsyncIterable<number> {
  read = 0;
  closed = 0;
  readonly #length: number;
  readonly #failsAt: number;

  constructor(length: number, failsAt = Infinity) {
    this.#length = length;
    this.#failsAt = failsAt;
  }

  [Symbol.asyncIterator](): AsyncIterator<number> {
    return {
      next: async () => {
        if (this.read === this.#failsAt) throw new Error('broken');
        return this.read < this.#length ? { done: false, value: this.read++ } : { done: true, value: undefined };
      },
      return: async () => {
        this.closed++;
        return { done: true, value: undefined };
      },
    };
  }
}

const upTo = (count: number): Source => new Source(count);

async function drain(source: AsyncIterable<number>): Promise<number> {
  let sum = 0;
  for await (const value of source) sum += value;
  return sum;
}

const exporting = (names: string, from: string): string => `export { ${names} } from '${from}'`;

/** What is weighed. */
const imports: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'merge',
    [
      ['holdfast merge', exporting('merge', 'holdfast/flow')],
      ['holdfast flow, merge', exporting('flow, merge', 'holdfast/flow')],
      ['streaming-iterables parallelMerge', exporting('parallelMerge', 'streaming-iterables')],
      ['ix merge', exporting('merge', 'ix/asynciterable')],
      ['iter-tools asyncInterleaveReady', exporting('asyncInterleaveReady', 'iter-tools')],
      ['it-merge', exporting('default', 'it-merge')],
      ['@repeaterjs/repeater', exporting('Repeater', '@repeaterjs/repeater')],
      [
        'effect Stream',
        "import { Stream } from 'effect'; export const { mergeAll, fromAsyncIterable, toAsyncIterable } = Stream",
      ],
      ['rxjs from, merge', exporting('from, merge', 'rxjs')],
    ],
  ],
  [
    'copy',
    [
      ['holdfast flow, copy', exporting('flow, copy', 'holdfast/flow')],
      ['iter-tools asyncFork', exporting('asyncFork', 'iter-tools')],
      ['ix publish', exporting('publish', 'ix/asynciterable/operators')],
      ['rxjs from, share', exporting('from, share', 'rxjs')],
    ],
  ],
  [
    'map → shard → merge',
    [
      ['holdfast flow, map, shard, merge', exporting('flow, map, shard, merge', 'holdfast/flow')],
      ['ix map, groupBy, mergeAll', exporting('map, groupBy, mergeAll', 'ix/asynciterable/operators')],
      ['rxjs from, map, groupBy, mergeAll', exporting('from, map, groupBy, mergeAll', 'rxjs')],
    ],
  ],
  [
    'everything',
    [
      ['holdfast/flow', "export * from 'holdfast/flow'"],
      ['streaming-iterables', "export * from 'streaming-iterables'"],
      ['it-merge', exporting('default', 'it-merge')],
      ['rxjs', "export * from 'rxjs'"],
    ],
  ],
];

type Merge = (sources: readonly AsyncIterable<number>[]) => AsyncIterable<number>;

const peerMerges: readonly (readonly [string, Merge])[] = [
  ['streaming-iterables parallelMerge', (sources) => parallelMerge(...sources)],
  ['ix merge', (sources) => ixMerge(...(sources as [AsyncIterable<number>, AsyncIterable<number>]))],
  ['iter-tools asyncInterleaveReady', (sources) => asyncInterleaveReady(...sources)],
  ['it-merge', (sources) => itMerge(...sources)],
  ['@repeaterjs/repeater merge', (sources) => Repeater.merge(sources)],
  [
    'effect mergeAll',
    (sources) =>
      Stream.toAsyncIterable(
        Stream.mergeAll(
          sources.map((source) => Stream.fromAsyncIterable(source, (error) => error)),
          { concurrency: 'unbounded' },
        ),
      ),
  ],
];

/** Flows of deliveries. */
export const suite: MakeSuite = ({ flow: { copy, flow, map, merge, shard }, hashing: { Rendezvous } }) => {
  type Deliveries = ReturnType<typeof flow<number>>;

  const acknowledged = async (deliveries: Deliveries): Promise<number> => {
    let sum = 0;
    for await (const delivery of deliveries) {
      sum += delivery.value;
      await delivery.ack();
    }
    return sum;
  };
  const both = async (sums: readonly Promise<number>[]): Promise<number> => (await Promise.all(sums))[0]!;

  const copying: Case = {
    name: 'two-way copy',
    parts: values,
    contestants: [
      contestant(
        'holdfast copy, acknowledged',
        async () => {
          const { a, b } = copy(flow(upTo(values)), ['a', 'b']);
          return await both([acknowledged(a), acknowledged(b)]);
        },
        { target: { ns: 2_000 } },
      ),
      contestant('iter-tools asyncFork', async () => {
        const [a, b] = firstTwo(asyncFork(upTo(values)) as unknown as Iterable<AsyncIterable<number>>);
        return await both([drain(a), drain(b)]);
      }),
      contestant('ix publish', async () => {
        const shared = publish<number>()(upTo(values));
        return await both([drain(shared), drain(shared)]);
      }),
    ],
  };

  const ours: Merge = (sources) => {
    const merged = merge(...sources.map((source) => flow(source)));
    return {
      [Symbol.asyncIterator]() {
        const iterator = merged[Symbol.asyncIterator]();
        return {
          next: async () => {
            const result = await iterator.next();
            if (result.done === true) return result;
            await result.value.ack();
            return { done: false, value: result.value.value };
          },
          return: async () => {
            await iterator.return!();
            return { done: true, value: undefined };
          },
        };
      },
    };
  };

  const quarters = (): Source[] => Array.from({ length: 4 }, () => upTo(values / 4));
  const merging: Case = {
    name: 'merge of four',
    parts: values,
    contestants: [
      contestant('holdfast merge, acknowledged', () =>
        acknowledged(merge(...quarters().map((source) => flow(source)))),
      ),
      ...peerMerges.map(([name, of]) => contestant(name, () => drain(of(quarters())))),
      contestant('rxjs merge (pushes)', async () => {
        let sum = 0;
        await rxMerge(...quarters().map((source) => from(source))).forEach((value) => (sum += value));
        return sum;
      }),
    ],
  };

  const workers = ['w1', 'w2', 'w3'];
  const placement = new Rendezvous(workers);
  const sharding: Case = {
    name: 'map → shard in three → merge',
    parts: values,
    contestants: [
      contestant('holdfast, acknowledged', () => {
        const lanes = shard(
          map(flow(upTo(values)), (n) => n),
          placement,
          String,
        );
        return acknowledged(merge(...workers.map((worker) => lanes[worker]!)));
      }),
      contestant('ix map, groupBy, mergeAll', () => {
        const grouped = ixGroupBy((n: number) => placement.get(String(n))!.id);
        return drain(ixMergeAll()(grouped(ixMap((n: number) => n)(upTo(values)))));
      }),
      contestant('rxjs map, groupBy, mergeAll (pushes)', async () => {
        let sum = 0;
        await from(upTo(values))
          .pipe(
            rxMap((n) => n),
            groupBy((n) => placement.get(String(n))!.id),
            mergeAll(),
          )
          .forEach((value) => (sum += value));
        return sum;
      }),
    ],
  };

  const merges: readonly (readonly [string, Merge])[] = [['holdfast merge', ours], ...peerMerges];

  const findings = async (): Promise<{ readonly figures: readonly Figure[] }> => {
    const rows: Figure[] = [];
    const add = (name: string, contestantName: string, value: string, met?: boolean): void => {
      rows.push({ name, contestant: contestantName, value, ...(met !== undefined && { target: '0', met }) });
    };
    for (const [name, of] of merges) {
      const sources = Array.from({ length: 3 }, () => upTo(1_000));
      const iterator = of(sources)[Symbol.asyncIterator]();
      await iterator.next();
      await turns();
      add(
        'read ahead of each source, after one value of three',
        name,
        String(Math.max(...sources.map(({ read }) => read)) - 1),
      );
    }
    for (const [name, of] of merges) {
      const sources = Array.from({ length: 3 }, () => upTo(1_000));
      await leaveAfter(of(sources), 5);
      await turns();
      const open = sources.filter(({ closed }) => closed === 0).length;
      add('left open of 3, by break', name, String(open), name.startsWith('holdfast') ? open === 0 : undefined);
    }
    const pushed = Array.from({ length: 3 }, () => upTo(1_000));
    await rxMerge(...pushed.map((source) => from(source)))
      .pipe(take(5))
      .forEach(() => undefined);
    await turns();
    add('left open of 3, by break', 'rxjs merge, take(5)', String(pushed.filter(({ closed }) => closed === 0).length));
    for (const [name, of] of merges) {
      const others = [upTo(1_000), upTo(1_000)];
      await drain(of([new Source(1_000, 3), ...others])).catch(() => undefined);
      await turns();
      const open = others.filter(({ closed, read }) => closed === 0 && read < 1_000).length;
      add(
        'left open of 2, by the error of a third',
        name,
        String(open),
        name.startsWith('holdfast') ? open === 0 : undefined,
      );
    }
    for (const [name, of] of merges) {
      const sources = [upTo(1_000), upTo(1_000)];
      await leaveAfter(of(sources), 1_000);
      add('values of two always ready sources, of 1,000', name, sources.map(({ read }) => String(read)).join(' : '));
    }
    for (const [name, branches] of [
      ['holdfast copy', (source: Source) => Object.values(copy(flow(source), ['a', 'b'])).map((branch) => branch)],
      [
        'iter-tools asyncFork',
        (source: Source) => firstTwo(asyncFork(source) as unknown as Iterable<AsyncIterable<unknown>>),
      ],
      [
        'ix publish',
        (source: Source) => {
          const shared = publish<number>()(source);
          return [shared, shared];
        },
      ],
    ] as const) {
      const source = upTo(20_000);
      const [fast, slow] = branches(source).map((branch) => (branch as AsyncIterable<unknown>)[Symbol.asyncIterator]());
      await slow!.next();
      const reading = (async () => {
        for (let i = 0; i < 20_000; i++) await fast!.next();
      })();
      await Promise.race([reading, turns()]);
      for (let i = 0; i < 50; i++) await turns();
      add('kept behind a branch that has read one of 20,000', name, String(source.read - 1));
    }
    for (const [name, contestants] of imports) {
      for (const [contestantName, contents] of contestants) {
        const bytes = await gzipOf(contents);
        add(`gzip: ${name}`, contestantName, bytes.toLocaleString('en'));
      }
    }
    return { figures: rows };
  };

  return {
    title: 'Flows of deliveries',
    about,
    peers: ['streaming-iterables', 'ix', 'iter-tools', 'it-merge', '@repeaterjs/repeater', 'effect', 'rxjs'],
    cases: [copying, merging, sharding],
    findings,
  };
};

/** Of as many forks as one asks for. */
function firstTwo<T>(forks: Iterable<T>): [T, T] {
  const [one, other] = forks;
  return [one!, other!];
}

/** As a loop that breaks. */
async function leaveAfter(of: AsyncIterable<number>, count: number): Promise<void> {
  const iterator = of[Symbol.asyncIterator]();
  for (let i = 0; i < count; i++) await iterator.next();
  await iterator.return?.();
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
