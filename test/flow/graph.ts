/*
 * Graphs of operators as data, built and run under virtual time, with every way to end that a graph has.
 */
import fc from 'fast-check';
import type { Runtime } from 'holdfast/core';
import {
  barrier,
  copy,
  type Delivery,
  each,
  type EachReport,
  expand,
  filter,
  flow as settledOnce,
  type Flow,
  FlowEvents,
  map,
  merge,
  type Monoid,
  reduce,
  shard,
  split,
  values,
} from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { seededRandom, VirtualClock } from 'holdfast/testing';
import { type Item, itemOf, Ledger, lot, Source, type SourcePlan } from './ledger.ts';

const operators = ['map', 'filter', 'expand', 'copy', 'split', 'shard', 'merge', 'barrier', 'reduce'] as const;

interface StepPlan {
  readonly operator: (typeof operators)[number];
  /** Which of the flows that nobody reads yet. */
  readonly pick: number;
  readonly salt: number;
  /** Concurrency, buffer, size: whatever number the operator has. */
  readonly n: number;
  readonly workMs: number;
  readonly fails: boolean;
  readonly yes: boolean;
  readonly overflow: 'strict' | 'block' | 'drop-oldest' | 'drop-newest';
}

interface SinkPlan {
  readonly reader: 'each' | 'values' | 'deliveries' | 'nobody';
  readonly n: number;
  readonly workMs: number;
  readonly salt: number;
  readonly fails: boolean;
  /** Whether what has failed goes to dead letters, which fail too at times. */
  readonly buries: boolean;
  /** After how many it leaves; never, when it leaves after none. */
  readonly leavesAfter: number;
}

export interface GraphPlan {
  readonly sources: readonly SourcePlan[];
  readonly steps: readonly StepPlan[];
  readonly sinks: readonly SinkPlan[];
  readonly seed: number;
  /** When everything is called off that has not ended. */
  readonly abortMs: number;
}

/** `calm`: nothing fails, hangs, is dropped or left. */
export function graphs(calm: boolean): fc.Arbitrary<GraphPlan> {
  const small = fc.integer({ min: 1, max: 4 });
  const salt = fc.integer({ min: 0, max: 1_000 });
  const fails = calm ? fc.constant(false) : fc.boolean();
  const workMs = fc.constantFrom(0, 0, 1, 3, ...(calm ? [] : [Infinity]));
  return fc.record({
    sources: fc.array(
      fc.record<SourcePlan>({
        length: fc.integer({ min: 0, max: 12 }),
        everyMs: fc.constantFrom(0, 0, 1, 2),
        ending: calm ? fc.constant('ends') : fc.constantFrom('ends', 'ends', 'fails', 'hangs'),
        closing: fc.constantFrom('closes', 'hangs', 'rejects'),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    steps: fc.array(
      fc.record<StepPlan>({
        operator: fc.constantFrom(...operators),
        pick: fc.nat(20),
        salt,
        n: small,
        workMs,
        fails,
        yes: fc.boolean(),
        overflow: calm
          ? fc.constant('block')
          : fc.constantFrom('block', 'block', 'strict', 'drop-oldest', 'drop-newest'),
      }),
      { maxLength: 7, size: 'max' },
    ),
    sinks: fc.array(
      fc.record<SinkPlan>({
        reader: calm
          ? fc.constantFrom('each', 'values', 'deliveries')
          : fc.constantFrom('each', 'each', 'values', 'deliveries', 'nobody'),
        n: small,
        workMs,
        salt,
        fails,
        buries: fc.boolean(),
        leavesAfter: calm ? fc.constant(0) : fc.constantFrom(0, 0, 1, 3),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    seed: fc.nat(1_000_000),
    abortMs: calm ? fc.constant(100_000) : fc.constantFrom(0, 1, 7, 30, 1_000),
  });
}

/** What `each` says of a flow that has ended, and what was seen of its deliveries. */
interface Account {
  readonly report: EachReport;
  readonly seen: EachReport;
}

/** What a graph has come to. */
export interface GraphResult {
  readonly ledger: Ledger;
  readonly sources: readonly Source[];
  readonly clock: VirtualClock;
  readonly signal: AbortSignal;
  /** Errors with which sinks ended. */
  readonly errors: readonly unknown[];
  /** Of each sink that came to the end of its flow. */
  readonly accounts: readonly Account[];
  /** How often each event was told, and what was processed when. */
  readonly log: readonly string[];
}

/** Builds a graph, runs it, calls it off, and waits until nothing more happens. */
export async function runGraph(plan: GraphPlan): Promise<GraphResult> {
  const clock = new VirtualClock();
  const runtime: Runtime = { clock, random: seededRandom(plan.seed).stream('flow') };
  const ledger = new Ledger();
  const controller = new AbortController();
  const stage = new Stage(ledger, runtime, controller.signal);
  const sources = plan.sources.map((source, i) => new Source(`S${String(i)}`, source, ledger, clock));
  const flows: Flow<Item>[] = [...sources];
  for (const step of plan.steps) flows.push(...stage.apply(step, flows));
  const sinks = flows.map((flow, i) => stage.read(flow, plan.sinks[i % plan.sinks.length]!));
  await clock.advance(plan.abortMs);
  controller.abort(new Error('called off'));
  await clock.advance(1_000);
  for (const { leave } of sinks) leave();
  await clock.advance(100_000);
  const { errors, accounts, log } = stage;
  return { ledger, sources, clock, signal: controller.signal, errors, accounts, log };
}

const hang = (): Promise<never> => new Promise(() => undefined);

class Stage {
  readonly errors: unknown[] = [];
  readonly accounts: Account[] = [];
  readonly log: string[] = [];
  readonly #ledger: Ledger;
  readonly #runtime: Runtime;
  readonly #signal: AbortSignal;

  constructor(ledger: Ledger, runtime: Runtime, signal: AbortSignal) {
    this.#ledger = ledger;
    this.#runtime = runtime;
    this.#signal = signal;
  }

  async #work(item: Item, { workMs, fails, salt }: { workMs: number; fails: boolean; salt: number }): Promise<void> {
    const [tag = ''] = item.tags();
    // A few that never end, and a few that fail.
    if (workMs === Infinity) {
      if (lot(tag, salt, 7) === 0) await hang();
    } else if (workMs > 0) await this.#runtime.clock.sleep(lot(tag, salt + 1, workMs + 1));
    if (fails && lot(tag, salt + 2, 6) === 0) throw new Error(`${tag} failed`);
  }

  #events(): FlowEvents {
    const events = new FlowEvents();
    for (const name of ['failed', 'dropped', 'stalled', 'late', 'dead'] as const)
      events.on(name, (event) =>
        this.log.push(`${String(this.#runtime.clock.now())} ${name} ${JSON.stringify(event)}`),
      );
    return events;
  }

  /** Takes the flows that the step reads out of `flows`, and returns those that it makes. */
  apply(step: StepPlan, flows: Flow<Item>[]): Flow<Item>[] {
    const flow = flows.splice(step.pick % flows.length, 1)[0]!;
    const { operator, n, yes, salt, overflow, fails } = step;
    const runtime = this.#runtime;
    const ledger = this.#ledger;
    const events = this.#events();
    const first = (item: Item): string => item.tags()[0] ?? '';
    const unlucky = (item: Item): void => {
      if (fails && lot(first(item), salt, 8) === 0) throw new Error('unlucky');
    };
    switch (operator) {
      case 'map': {
        const fn = async (item: Item): Promise<Item> => {
          await this.#work(item, step);
          return item;
        };
        return [map(flow, fn, { concurrency: n, ordered: yes, events, runtime })];
      }
      case 'filter':
        return [
          filter(
            flow,
            (item) => {
              unlucky(item);
              const keep = lot(first(item), salt + 3, 3) > 0;
              if (!keep) ledger.done(item, 'dropped');
              return keep;
            },
            { events, runtime },
          ),
        ];
      case 'expand':
        return [expand(flow, (item) => this.#expanded(item, step), { events, runtime })];
      case 'copy': {
        const seen = new Map<string, Item>();
        const left = new Set<string>();
        const given = { a: new Set<Item>(), b: new Set<Item>() };
        const pieceOf = (item: Item, name: string): Item => ({
          tags: () => this.#divided(item, ['a', 'b']).filter((tag) => tag.endsWith(`/${name}`)),
        });
        /** A branch that was left is not among those on which an acknowledgement hangs, but for what it was given. */
        const excuse = (item: Item): void => {
          for (const name of ['a', 'b'] as const)
            if (yes && left.has(name) && !given[name].has(item)) ledger.done(pieceOf(item, name), 'dropped');
        };
        events.on('dropped', ({ id, branch }) => {
          ledger.done(pieceOf(seen.get(id)!, branch), 'dropped');
          excuse(seen.get(id)!);
        });
        // By numbers of our own: what was copied and merged comes twice under one id.
        const noted = through(flow, (delivery) => {
          const id = String(seen.size);
          seen.set(id, delivery.value);
          return { ...aboutOf(delivery), id };
        });
        const { a, b } = copy(noted, ['a', 'b'], { buffer: n, overflow, detach: yes, stalledMs: 5, events, runtime });
        const branch = (of: Flow<Item>, name: 'a' | 'b'): Flow<Item> => {
          const see = (delivery: Delivery<Item>): Delivery<Item> => {
            given[name].add(delivery.value);
            return aboutOf(delivery);
          };
          const read = through(of, see, () => left.add(name));
          return map(
            read,
            (item) => {
              excuse(item);
              return pieceOf(item, name);
            },
            { runtime },
          );
        };
        return [branch(a, 'a'), branch(b, 'b')];
      }
      case 'split': {
        const route = (item: Item): 'x' | 'y' => {
          unlucky(item);
          return (fails ? ['x', 'y', 'z'] : ['x', 'y'])[lot(first(item), salt, fails ? 3 : 2)] as 'x' | 'y';
        };
        const { x, y } = split(flow, route, ['x', 'y'], { buffer: n, stalledMs: 5, events, runtime });
        return [x, y];
      }
      case 'shard':
        return Object.values(
          shard(flow, new Rendezvous(['p', 'q', 'r']), first, undefined, { buffer: n, stalledMs: 5, events, runtime }),
        );
      case 'merge': {
        const others = flows.splice(0, n - 1);
        return [merge(flow, ...others, { runtime })];
      }
      case 'barrier': {
        const tagsOf = new Map<string, string[]>();
        const delivered = new Set<string>();
        const keyOf = (item: Item): string => first(item).split('/').slice(0, -1).join('/') || first(item);
        events.on('late', ({ part }) => {
          ledger.done({ tags: () => part.split(' ') }, 'dropped');
        });
        const sets = barrier(flow, {
          key: (item) => {
            unlucky(item);
            return keyOf(item);
          },
          part: (item) => {
            const key = keyOf(item);
            const tags = tagsOf.get(key) ?? [];
            tagsOf.set(key, tags);
            // What joins a set that is under way already is not seen by those who have it.
            if (delivered.has(key)) for (const tag of item.tags()) ledger.follow(tag, tags[0]!);
            else tags.push(...item.tags());
            return item.tags().join(' ');
          },
          expect: (item) => ledger.siblings(first(item)),
          timeoutMs: 20,
          onTimeout: fails ? 'fail' : 'emit',
          maxPending: n,
          stalledMs: 5,
          events,
          runtime,
        });
        return [
          map(sets, ({ key }) => {
            delivered.add(key);
            const tags = [...tagsOf.get(key)!];
            return itemOf(...tags);
          }),
        ];
      }
      case 'reduce':
        return [
          reduce(flow, union, {
            ...(n < 4 && { every: n }),
            maxKeys: 5,
            atEnd: fails && yes ? 'nack' : 'flush',
            events,
            runtime,
          }),
        ];
    }
  }

  #divided(item: Item, suffixes: readonly string[]): readonly string[] {
    return item.tags().flatMap((tag) => this.#ledger.divide(tag, suffixes));
  }

  /** Some pieces at once, or one after the other, of which the last may be an error. */
  #expanded(item: Item, { salt, n, workMs, fails, yes }: StepPlan): Iterable<Item> | AsyncIterable<Item> {
    const [tag = ''] = item.tags();
    const pieces = Array.from({ length: lot(tag, salt, n + 1) }, (_, i) => String(i));
    // That nothing more comes is a piece of its own: the parent hangs on it too.
    const pieceOf = (piece: string): Item => ({
      tags: () => this.#divided(item, [...pieces, 'end']).filter((one) => one.endsWith(`/${piece}`)),
    });
    const items = pieces.map(pieceOf);
    const end = pieceOf('end');
    const next = (): IteratorResult<Item, undefined> => {
      const value = items.shift();
      if (value !== undefined) return { done: false, value };
      this.#ledger.done(end, 'dropped');
      return { done: true, value: undefined };
    };
    /** Its end and its reader's may have crossed: then it was left. */
    const left = (): IteratorResult<Item, undefined> => {
      this.#ledger.reopen(end);
      return { done: true, value: undefined };
    };
    if (yes) return { [Symbol.iterator]: () => ({ next, return: left }) };
    const { clock } = this.#runtime;
    const nextInTime = async (): Promise<IteratorResult<Item, undefined>> => {
      if (items.length > 0) await clock.sleep(workMs);
      else if (fails && lot(tag, salt + 5, 4) === 0) throw new Error('broken expansion');
      return next();
    };
    return { [Symbol.asyncIterator]: () => ({ next: nextInTime, return: async () => left() }) };
  }

  /** Notes how each is settled. */
  #noted(flow: Flow<Item>, buried: ReadonlySet<Item>, seen: Record<keyof EachReport, number>): Flow<Item> {
    return settledOnce(
      through(flow, (delivery) => ({
        ...aboutOf(delivery),
        ack: () => {
          const fate = buried.has(delivery.value) ? 'dead' : 'acked';
          seen[fate]++;
          this.#ledger.done(delivery.value, fate);
          return delivery.ack();
        },
        nack: (reason) => {
          seen.nacked++;
          return delivery.nack(reason);
        },
      })),
      { runtime: this.#runtime },
    );
  }

  read(flow: Flow<Item>, sink: SinkPlan): { readonly leave: () => void } {
    const { reader, n, salt, buries, leavesAfter } = sink;
    const runtime = this.#runtime;
    const signal = this.#signal;
    const { clock } = runtime;
    const buried = new Set<Item>();
    const seen = { acked: 0, dead: 0, nacked: 0 };
    let dealt = 0;
    const bury = (item: Item): void => {
      if (lot(item.tags()[0] ?? '', salt + 4, 4) === 0) throw new Error('dead letters are down');
      buried.add(item);
    };
    const deal = async (item: Item): Promise<void> => {
      await this.#work(item, sink);
      this.log.push(`${String(clock.now())} ${item.tags().join(' ')}`);
      dealt++;
    };
    // Whoever reads for himself has to be done with what he has, whatever happens.
    const bounded = (item: Item): Promise<void> =>
      Promise.race([deal(item), clock.sleep(50).then(() => Promise.reject(new Error('late')))]);
    const leaves = (): boolean => dealt === leavesAfter && leavesAfter > 0;
    const run = async (flow: Flow<Item>): Promise<void> => {
      if (reader === 'each') {
        const own = new AbortController();
        const abort = (): void => own.abort(signal.reason);
        if (signal.aborted) abort();
        signal.addEventListener('abort', abort);
        const fn = async (item: Item): Promise<void> => {
          await deal(item);
          if (leaves()) own.abort(new Error('enough'));
        };
        const report = await each(flow, fn, {
          concurrency: n,
          ...(buries && { deadLetter: bury }),
          retry: { attempts: 2, baseMs: 2 },
          graceMs: 4,
          signal: own.signal,
          runtime,
          events: this.#events(),
        }).finally(() => signal.removeEventListener('abort', abort));
        this.accounts.push({ report, seen });
      } else if (reader === 'values') {
        for await (const item of values(flow, { signal, runtime })) {
          await bounded(item);
          if (leaves()) break;
        }
      } else
        for await (const delivery of flow) {
          await bounded(delivery.value).then(
            () => delivery.ack(),
            (error: unknown) => delivery.nack(error),
          );
          if (leaves()) throw new Error('thrown');
        }
    };
    const iterator = this.#noted(flow, buried, seen)[Symbol.asyncIterator]();
    const opened: Flow<Item> = { [Symbol.asyncIterator]: () => iterator };
    const reading = reader === 'nobody' ? undefined : run(opened);
    reading?.catch((error: unknown) => this.errors.push(error));
    return { leave: () => void iterator.return?.() };
  }
}

const aboutOf = <T>(delivery: Delivery<T>): Delivery<T> => ({
  value: delivery.value,
  id: delivery.id,
  attempt: delivery.attempt,
  ack: () => delivery.ack(),
  nack: (reason) => delivery.nack(reason),
});

/** A flow whose deliveries are looked at, and whose end by its reader is. */
function through<T>(
  flow: Flow<T>,
  see: (delivery: Delivery<T>) => Delivery<T>,
  onLeft: () => void = () => undefined,
): Flow<T> {
  const iterator = flow[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const result = await iterator.next();
        return result.done === true ? result : { done: false, value: see(result.value) };
      },
      return: () => {
        onLeft();
        return iterator.return!();
      },
    }),
  };
}

/** The union of items, with their number for its size. */
const union: Monoid<Item, Item & { readonly of: readonly Item[] }> = {
  empty: () => group([]),
  add: (result, item) => group([...result.of, item]),
  merge: (one, other) => group([...one.of, ...other.of]),
  size: ({ of }) => of.length,
};

function group(of: readonly Item[]): Item & { readonly of: readonly Item[] } {
  return { of, tags: () => of.flatMap((item) => item.tags()) };
}
