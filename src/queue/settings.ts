import { Budget, budgetOrNoneRule } from '../calls/budget.ts';
import { readRetry, type RetryPolicy, type RetryRule } from '../calls/retry-policy.ts';
import { type Dyn } from '../core/live.ts';
import {
  anything,
  boolean,
  check,
  having,
  invalid,
  number,
  object,
  oneOf,
  readOptions,
  type Rule,
} from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { signalRule } from '../core/signals.ts';
import type { WorkerBounds } from './elastic/bounds.ts';
import type { ElasticOptions } from './elastic/options.ts';
import type { QueueStore } from './queue-store.ts';
import { type BacklogOptions, MemoryQueueStore } from './stores/memory.ts';

/** Options of {@link WorkQueue}. */
export interface WorkQueueOptions<D> extends BacklogOptions {
  /**
   * Where the jobs are kept.
   *
   * @defaultValue a {@link MemoryQueueStore} of its own, with the options `agingMs`, `keyLimit`, `keyOrder` and `maxDead`;
   * a store that is given brings its own
   */
  readonly store?: QueueStore<D> | undefined;
  /**
   * How many workers: a number for always so many, bounds for as many as there is work for.
   *
   * @defaultValue `{ min: 1 }`, and at most what the pool suggests: 64 for functions
   */
  readonly workers?: Dyn<WorkerBounds | number> | undefined;
  /** How the number of workers follows the work. */
  readonly elastic?: ElasticOptions | undefined;
  /**
   * How a failed job is tried again: 5 attempts by default, with pauses of up to 1 s, doubled each time up to 5 minutes.
   * An error that asks for a pause (`retryAfterMs`) gets it.
   */
  readonly retry?: RetryPolicy<D> | undefined;
  /**
   * Pays for every attempt but a job's first; when it is exhausted they wait.
   *
   * @defaultValue one extra attempt for five jobs, and one a second; `false`: none
   */
  readonly budget?: Budget | false | undefined;
  /**
   * How many workers a job may cost before it goes to the dead, as `poison`.
   *
   * @defaultValue 2
   */
  readonly maxCrashes?: number | undefined;
  /**
   * How long an attempt may take, in milliseconds; then its signal aborts.
   *
   * @defaultValue no limit
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How long a handler that was asked to stop may go on before the event `stuck` says so, in milliseconds.
   *
   * @defaultValue 5,000
   */
  readonly patienceMs?: number | undefined;
  /**
   * What becomes of a worker that is stuck. `hold`: it stays occupied until its handler settles. `release`: its job is
   * settled without it, and another may start beside it; more handlers run then than there are workers.
   *
   * @defaultValue `hold`
   */
  readonly onStuck?: 'hold' | 'release' | undefined;
  /**
   * How many jobs may wait, the delayed ones among them.
   *
   * @defaultValue 100,000
   */
  readonly maxQueued?: number | undefined;
  /**
   * What happens to a job that finds no room. `wait`: `add` waits. `reject`: it rejects with `QUEUE_FULL`. `dropOldest`:
   * the one that waits longest is dropped for it. `dropLowest`: the youngest of the lowest priority is, if it is below.
   *
   * @defaultValue `wait`
   */
  readonly overflow?: 'wait' | 'reject' | 'dropOldest' | 'dropLowest' | undefined;
  /** At most so many jobs are started in `perMs` milliseconds. Absent: as fast as there are workers. */
  readonly rate?:
    | {
        /** How many jobs. */
        readonly max: number;
        /** In how many milliseconds. */
        readonly perMs: number;
      }
    | undefined;
  /** How leases of a store in another process are kept. */
  readonly lease?:
    | {
        /**
         * How long a job stays this queue's without being extended, in milliseconds: after a crash others wait so long.
         *
         * @defaultValue 30,000
         */
        readonly ms?: number | undefined;
        /**
         * How often it is extended, in milliseconds.
         *
         * @defaultValue a third of `ms`
         */
        readonly renewMs?: number | undefined;
      }
    | undefined;
  /**
   * How often to ask a store in another process for jobs when it gives no sign, in milliseconds.
   *
   * @defaultValue 1,000
   */
  readonly pollMs?: number | undefined;
  /** Begins with the queue paused. */
  readonly paused?: boolean | undefined;
  /** Closes the queue, without grace, when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal {@link WorkQueueOptions}, checked, with their defaults. */
export interface Settings<D> {
  readonly store: QueueStore<D>;
  readonly workers: Dyn<WorkerBounds | number> | undefined;
  readonly elastic: ElasticOptions | undefined;
  readonly retry: RetryRule<unknown>;
  readonly budget: Budget | undefined;
  readonly maxCrashes: number;
  readonly timeoutMs: number | undefined;
  readonly patienceMs: number;
  readonly onStuck: 'hold' | 'release';
  readonly maxQueued: number;
  readonly overflow: 'wait' | 'reject' | 'dropOldest' | 'dropLowest';
  readonly rate: { readonly max: number; readonly perMs: number } | undefined;
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly pollMs: number;
  readonly paused: boolean;
  readonly signal: AbortSignal | undefined;
  readonly runtime: Runtime;
}

const storeRule: Rule<QueueStore<never>> = having(
  'a QueueStore',
  'open',
  'put',
  'pull',
  'extend',
  'settle',
  'cancel',
  'counts',
  'wake',
  'close',
);

const orderOptions = ['agingMs', 'keyLimit', 'keyOrder', 'maxDead'] as const;

const shape = {
  agingMs: number({ min: 1 }),
  keyLimit: number({ min: 1, integer: true }),
  keyOrder: oneOf('strict', 'skip'),
  maxDead: number({ min: 0, integer: true }),
  store: storeRule,
  workers: anything<Dyn<WorkerBounds | number>>(),
  elastic: anything<ElasticOptions>(),
  retry: anything<RetryPolicy<never>>(),
  budget: budgetOrNoneRule,
  maxCrashes: number({ min: 1, integer: true }),
  timeoutMs: number({ min: 1 }),
  patienceMs: number({ min: 0 }),
  onStuck: oneOf('hold', 'release'),
  maxQueued: number({ min: 1, integer: true }),
  overflow: oneOf('wait', 'reject', 'dropOldest', 'dropLowest'),
  rate: object<object>(),
  lease: object<object>(),
  pollMs: number({ min: 1 }),
  paused: boolean,
  signal: signalRule,
  runtime: runtimeRule,
};

/**
 * @internal The options of a queue, checked, relations among them too.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function readSettings<D>(options: WorkQueueOptions<D> | undefined): Settings<D> {
  const values = readOptions('WorkQueue', options, shape);
  const { runtime = systemRuntime, overflow = 'wait', maxQueued = 100_000 } = values;
  const { ms: leaseMs = 30_000, renewMs = leaseMs / 3 } = readOptions('lease', values.lease, {
    ms: number({ min: 10 }),
    renewMs: number({ min: 1 }),
  });
  if (renewMs > leaseMs / 2) throw invalid('lease.renewMs', `<= half of lease.ms (${String(leaseMs / 2)})`, renewMs);
  return {
    store: storeOf<D>(values, runtime),
    workers: values.workers,
    elastic: values.elastic,
    retry: retryOf(values.retry),
    budget:
      values.budget === false ? undefined : (values.budget ?? new Budget({ ratio: 0.2, minPerSecond: 1, runtime })),
    maxCrashes: values.maxCrashes ?? 2,
    timeoutMs: values.timeoutMs,
    patienceMs: values.patienceMs ?? 5_000,
    onStuck: values.onStuck ?? 'hold',
    maxQueued,
    overflow,
    rate: values.rate === undefined ? undefined : rateOf(values.rate),
    leaseMs,
    renewMs,
    pollMs: values.pollMs ?? 1_000,
    paused: values.paused ?? false,
    signal: values.signal,
    runtime,
  };
}

function storeOf<D>(
  values: BacklogOptions & { readonly store?: QueueStore<never> | undefined },
  runtime: Runtime,
): QueueStore<D> {
  const { store, agingMs, keyLimit, keyOrder, maxDead } = values;
  if (store === undefined) return new MemoryQueueStore<D>({ agingMs, keyLimit, keyOrder, maxDead, runtime });
  for (const name of orderOptions) {
    if (values[name] !== undefined) throw invalid(name, 'an option of the store when a store is given', values[name]);
  }
  return store;
}

function retryOf(policy: unknown = {}): RetryRule<unknown> {
  if (!isRecord(policy)) return readRetry(policy); // which says what is wrong with it
  const { attempts = 5, backoff = {} } = policy as RetryPolicy;
  return readRetry({
    ...policy,
    attempts,
    backoff: isRecord(backoff) ? { baseMs: 1_000, maxMs: 300_000, ...backoff } : backoff,
  });
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function rateOf(rate: object): { readonly max: number; readonly perMs: number } {
  const { max, perMs } = readOptions('rate', rate, {
    max: number({ min: 1, integer: true }),
    perMs: number({ min: 1 }),
  });
  return {
    max: check('rate.max', max, number({ min: 1, integer: true })),
    perMs: check('rate.perMs', perMs, number({ min: 1 })),
  };
}
