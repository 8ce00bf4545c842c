/*
 * The measuring. Contestants of a case run in one process and in turn: every round measures each of them once, in an order
 * shuffled anew, and a ratio is made of two measurements of the same round.
 */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GCProfiler } from 'node:v8';
import { median, nextBatch, shuffled, slope, type Spread, speedRatio, spreadOf } from './statistics.ts';
import type { Case, Contestant, Holding, Target } from './vocabulary.ts';

/** How much work a run is to do. */
export interface Effort {
  readonly rounds: number;
  /** How long one sample takes at least. */
  readonly sampleMs: number;
  /** Whether garbage is collected before each sample; without, the figures mean nothing. */
  readonly collect: boolean;
  /** How long each contestant runs before it is measured. */
  readonly warmUpMs: number;
  /** How often the bytes of an operation are taken; the median counts. */
  readonly allocations: number;
  /** Items held for one point of the heap's slope. */
  readonly heldItems: number;
  /** Points of that slope. */
  readonly heldPoints: number;
  /** The order of the rounds. */
  readonly random: () => number;
}

/** What was measured of one contestant. */
export interface Measured {
  readonly name: string;
  /** Time of one operation, over the rounds. */
  readonly ns: Spread;
  /** Our speed over this one's, over the rounds; absent for ours. */
  readonly ratio?: Spread;
  /** Bytes that one operation allocates on the heap, rounded. */
  readonly bytes: number;
  readonly target: Target | undefined;
}

export interface MeasuredCase {
  readonly name: string;
  readonly rows: readonly Measured[];
}

export interface MeasuredHolding {
  readonly name: string;
  readonly rows: readonly { readonly name: string; readonly bytes: number; readonly target: number | undefined }[];
}

type Loop = (from: number, to: number) => unknown;

interface Runner {
  readonly contestant: Contestant;
  readonly run: (operations: number) => unknown;
  operations: number;
}

/** Results end here: the engine must not find out that nobody looks at them. */
export const sink: { last: unknown } = { last: undefined };

const collect = (globalThis as { readonly gc?: () => void }).gc;

function collectGarbage(): void {
  if (collect === undefined) throw new Error('memory is measured: start node with --expose-gc');
  collect();
}

let loops = 0;

/**
 * A loop of its own for each contestant. In a loop that all share, the call of the operation would be megamorphic, and
 * whoever came first would run in better code than the others. The number in the source keeps the engine from recognising
 * it and sharing the type feedback after all.
 */
function loopOf(op: (i: number) => unknown, isAsync: boolean): Loop {
  const [prefix, wait] = isAsync ? ['async ', 'await '] : ['', ''];
  const source = `return ${prefix}function loop${String(++loops)}(from, to) {
    let last = ${wait}op(from);
    for (let i = from + 1; i < to; i++) last = ${wait}op(i);
    return last;
  }`;
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- see above
  return (new Function('op', source) as (op: (i: number) => unknown) => Loop)(op);
}

async function runnerOf(contestant: Contestant, turn: number | undefined): Promise<Runner> {
  await contestant.before();
  const first = contestant.op(0);
  await first;
  await contestant.after();
  const loop = loopOf(contestant.op, first instanceof Promise);
  const inTurns = async (operations: number, each: number): Promise<unknown> => {
    let last: unknown;
    for (let from = 0; from < operations; from += each) {
      last = loop(from, Math.min(from + each, operations));
      await nextTurn();
    }
    return last;
  };
  return {
    contestant,
    run: (operations) => (turn === undefined ? loop(0, operations) : inTurns(operations, turn)),
    operations: 1,
  };
}

const spent = { processorMs: 0, wallMs: 0 };

/**
 * Processor time over wall time, in all samples so far: about 1, or a little more for the engine's helper threads. Less
 * means that others used the machine and that every time is inflated.
 */
export function processorShare(): number {
  return spent.processorMs / spent.wallMs;
}

/** Milliseconds that some operations take. */
async function sample({ contestant, run, operations }: Runner, { collect }: Effort): Promise<number> {
  await contestant.before();
  if (collect) collectGarbage();
  const processor = process.cpuUsage();
  const start = performance.now();
  const result = run(operations);
  sink.last = result instanceof Promise ? await result : result;
  const tookMs = performance.now() - start;
  const { user, system } = process.cpuUsage(processor);
  spent.processorMs += (user + system) / 1_000;
  spent.wallMs += tookMs;
  await contestant.after();
  return tookMs;
}

async function warmUp(runner: Runner, effort: Effort): Promise<void> {
  for (let spentMs = 0; spentMs < effort.warmUpMs;) {
    const tookMs = await sample(runner, effort);
    spentMs += tookMs;
    runner.operations = nextBatch(runner.operations, tookMs, effort.sampleMs);
  }
}

/** Finds how many operations fill a sample. */
async function calibrate(runner: Runner, effort: Effort): Promise<void> {
  for (;;) {
    const tookMs = await sample(runner, effort);
    const enough = tookMs >= effort.sampleMs;
    runner.operations = nextBatch(runner.operations, tookMs, effort.sampleMs);
    if (enough) return;
  }
}

/** Bytes allocated by some operations, what was collected meanwhile included. */
async function allocated({ contestant, run }: Runner, operations: number, { collect }: Effort): Promise<number> {
  await contestant.before();
  if (collect) collectGarbage();
  const profiler = new GCProfiler();
  profiler.start();
  const before = process.memoryUsage().heapUsed;
  const result = run(operations);
  sink.last = result instanceof Promise ? await result : result;
  const after = process.memoryUsage().heapUsed;
  const { statistics } = profiler.stop();
  await contestant.after();
  return statistics.reduce(
    (sum, { beforeGC, afterGC }) => sum + beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
    after - before,
  );
}

/** Bytes that one more operation allocates: the difference of two runs, so that what a run costs once drops out. */
async function allocation(runner: Runner, effort: Effort): Promise<number> {
  const few = Math.max(1, Math.ceil(runner.operations / 10));
  const slopes: number[] = [];
  for (let i = 0; i < effort.allocations; i++) {
    slopes.push(((await allocated(runner, 3 * few, effort)) - (await allocated(runner, few, effort))) / (2 * few));
  }
  return Math.max(0, Math.round(median(slopes)));
}

/** Throws unless contestants of one kind give one answer to each input. */
async function compareAnswers({ name, contestants, inputs = 1, verify }: Case): Promise<void> {
  const expected = new Map<string, { readonly by: string; readonly answers: readonly unknown[] }>();
  for (const contestant of contestants) {
    const answers: unknown[] = [];
    await contestant.before();
    for (let i = 0; i < inputs; i++) answers.push(contestant.answer(await contestant.op(i)));
    await contestant.after();
    const first = expected.get(contestant.kind) ?? { by: contestant.name, answers };
    expected.set(contestant.kind, first);
    for (const [i, answer] of answers.entries()) {
      const differ = `${name}: ${contestant.name} and ${first.by} differ on input ${String(i)}`;
      assert.deepEqual(answer, first.answers[i], differ);
    }
  }
  await verify?.();
}

/**
 * Measures one case.
 *
 * @throws `AssertionError` when the contestants do not give the same answers
 */
export async function measureCase(entry: Case, effort: Effort): Promise<MeasuredCase> {
  await compareAnswers(entry);
  const { parts = 1 } = entry;
  const runners: Runner[] = [];
  for (const contestant of entry.contestants) runners.push(await runnerOf(contestant, entry.turn));
  // All are warm before the first is calibrated: code that they share has seen all of them by then.
  for (const runner of runners) await warmUp(runner, effort);
  for (const runner of runners) await calibrate(runner, effort);
  const times = new Map(runners.map((runner) => [runner, [] as number[]]));
  for (let round = 0; round < effort.rounds; round++) {
    for (const runner of shuffled(runners, effort.random)) {
      times.get(runner)!.push(((await sample(runner, effort)) * 1e6) / runner.operations / parts);
    }
  }
  const rows: Measured[] = [];
  for (const [index, runner] of runners.entries()) {
    const own = times.get(runner)!;
    rows.push({
      name: runner.contestant.name,
      ns: spreadOf(own),
      ...(index > 0 && { ratio: speedRatio(times.get(runners[0]!)!, own) }),
      bytes: Math.round((await allocation(runner, effort)) / parts),
      target: runner.contestant.target,
    });
  }
  return { name: entry.name, rows };
}

/**
 * The memory in use after everything that can be collected has been, what finalizers let go included: the heap, and what
 * it holds outside, as typed arrays do.
 */
export async function settledMemory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await nextTurn();
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Measures what one more living item takes: the slope of the memory over the number of items. */
export async function measureHolding(entry: Holding, { heldItems, heldPoints }: Effort): Promise<MeasuredHolding> {
  const { name, items: each = heldItems, parts = 1, holders } = entry;
  const rows: MeasuredHolding['rows'][number][] = [];
  for (const holder of holders) {
    await holder.before?.();
    const points: (readonly [number, number])[] = [];
    // Full size from the beginning: the list itself does not grow.
    const items = new Array<unknown>(heldPoints * each).fill(undefined);
    for (let count = 0; count < items.length;) {
      for (const end = count + each; count < end; count++) items[count] = holder.make(count);
      points.push([count * parts, await settledMemory()]);
    }
    await holder.after?.();
    sink.last = items.length;
    rows.push({ name: holder.name, bytes: Math.max(0, slope(points)), target: holder.target });
  }
  return { name, rows };
}
