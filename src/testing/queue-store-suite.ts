import { systemClock } from '../core/clock.ts';
import { check, either, func, number, readOptions, type Rule } from '../core/options.ts';
import { systemRandom } from '../core/random.ts';
import type { QueueStore } from '../queue/index.ts';
import { commandLaws } from './queue-commands.ts';
import { deadLaws } from './queue-dead.ts';
import { hostilityLaws } from './queue-hostility.ts';
import { leaseLaws } from './queue-leases.ts';
import { orderLaws } from './queue-orders.ts';
import { stormLaws } from './queue-storm.ts';
import { type QueueLaw, QueueTrial } from './queue-trial.ts';

/** What {@link queueStoreSuite} runs in: your test runner's functions. */
export interface QueueStoreSuiteTools {
  /** Groups tests: Vitest's, Jest's, Mocha's or `node:test`'s. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Declares a test. */
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** Options of {@link queueStoreSuite}. */
export interface QueueStoreSuiteOptions {
  /**
   * The length in milliseconds of leases and delays that are to end while a test waits, 1 or more. Leases of other tests
   * last a minute.
   *
   * @defaultValue 500
   */
  readonly leaseMs?: number;
  /**
   * Lets time pass: a virtual clock's `advance`, say. Then the store's time stands still otherwise, and sequences of
   * commands let it pass too. By default the platform's. One wait at a time.
   */
  readonly waitMs?: (ms: number) => unknown;
  /**
   * How late, in milliseconds, a store may find out that a lease or a delay is over.
   *
   * @defaultValue 5000
   */
  readonly lateMs?: number;
  /**
   * How many instances storm at once.
   *
   * @defaultValue 4
   */
  readonly handles?: number;
  /**
   * How many jobs each of them puts.
   *
   * @defaultValue 40
   */
  readonly jobs?: number;
  /**
   * How many sequences of commands are compared with the model.
   *
   * @defaultValue 20
   */
  readonly sequences?: number;
  /**
   * How many commands a sequence has, at least.
   *
   * @defaultValue 50
   */
  readonly steps?: number;
  /**
   * What all chance comes from. The names of queues are of another chance, so that a run meets none of before.
   *
   * @defaultValue 1
   */
  readonly seed?: number | string;
}

/**
 * Makes an instance of the store under test. Instances of the same name know each other's jobs, where the store is
 * `shared`, or `durable` and the one before is closed; those of another name do not.
 *
 * @param queue - the name: letters, digits and dashes
 */
export type MakeQueueStore = (queue: string) => QueueStore<unknown> | Promise<QueueStore<unknown>>;

const text: Rule<string> = { expected: 'a string', accepts: (value) => typeof value === 'string' };
const whole = number({ min: 1, integer: true });

/**
 * Declares the tests that every {@link QueueStore} has to pass, ours and yours, in your own test runner.
 *
 * Each promise of the contract is a test of its own: who is accepted and who comes first, that a stale fence changes
 * nothing, how leases end, what is charged as an attempt, what is kept of the dead, that hostile texts come back as
 * they were. Each operation of a test is followed by a count: no job may come or go by it. Sequences of commands, of
 * a seed, are compared with a model of a hundred lines; a storm of instances has to end each job once. A failure names what was
 * promised and what was found. What `caps` says that the store cannot do is not asked of it; those are tests that pass.
 *
 * Does not test that what was accepted survives a crash: that is for the store's own tests. Imports no test runner.
 *
 * @param make - makes an instance of the store under test, as another process would. It is closed when its test is over.
 * Aging, and limits of keys above 1, are to be off.
 * @param tools - `describe` and `it` of the runner
 * @param options - how time passes, how much is tried
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { MemoryQueueStore } from 'holdfast/queue';
 * import { queueStoreSuite, seededRandom, VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const runtime = { clock, random: seededRandom(1) };
 *
 * // With a test runner: import { describe, it } from 'vitest';
 * const tests: (() => Promise<void>)[] = [];
 * const runner = { describe: (_: string, body: () => void) => body(), it: (_: string, body: () => Promise<void>) => tests.push(body) };
 *
 * queueStoreSuite(() => new MemoryQueueStore({ runtime }), runner, { waitMs: (ms) => clock.advance(ms) });
 * for (const test of tests) await test();
 * tests.length > 30 // => true
 * ```
 */
export function queueStoreSuite(
  make: MakeQueueStore,
  tools: QueueStoreSuiteTools,
  options?: QueueStoreSuiteOptions,
): void {
  check('make', make, func());
  const { describe, it } = tools;
  check('describe', describe, func());
  check('it', it, func());
  const given = readOptions('queueStoreSuite', options, {
    leaseMs: whole,
    waitMs: func<NonNullable<QueueStoreSuiteOptions['waitMs']>>(),
    lateMs: number({ min: 0 }),
    handles: whole,
    jobs: whole,
    sequences: whole,
    steps: whole,
    seed: either(number(), text),
  });
  const { leaseMs = 500, waitMs = (ms: number) => systemClock.sleep(ms), lateMs = 5_000, seed = 1 } = given;
  const { handles = 4, jobs = 40, sequences = 20, steps = 50 } = given;
  const prefix = `suite-${systemRandom().toString(36).slice(2, 10)}`;
  const isVirtual = given.waitMs !== undefined;
  const setting = { make, prefix, leaseMs, waitMs, isVirtual, lateMs, handles, jobs, sequences, steps, seed };
  const laws: Record<string, QueueLaw> = {
    ...orderLaws,
    ...leaseLaws,
    ...deadLaws,
    ...hostilityLaws,
    ...commandLaws,
    ...stormLaws,
  };
  describe('as a queue store', () => {
    for (const [name, law] of Object.entries(laws))
      it(name, async () => {
        const trial = new QueueTrial(setting);
        try {
          await law(trial);
        } finally {
          await trial.close();
        }
      });
  });
}
