import { check, either, func, number, readOptions, type Rule } from '../core/options.ts';
import { systemClock } from '../core/clock.ts';
import { systemRandom } from '../core/random.ts';
import type { LeaseStore } from '../election/index.ts';
import { endLaws } from './lease-ends.ts';
import { grantLaws } from './lease-grants.ts';
import { holderLaws } from './lease-holders.ts';
import { hostilityLaws } from './lease-hostility.ts';
import { risesOver } from './lease-losses.ts';
import { signalLaws } from './lease-signals.ts';
import { stormLaws } from './lease-storm.ts';
import { type LeaseLaw, LeaseTrial } from './lease-trial.ts';

/** What {@link leaseStoreSuite} runs in: your test runner's functions. */
export interface LeaseStoreSuiteTools {
  /** Groups tests: Vitest's, Jest's, Mocha's or `node:test`'s. */
  readonly describe: (name: string, body: () => void) => unknown;
  /** Declares a test. */
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** Options of {@link leaseStoreSuite}. */
export interface LeaseStoreSuiteOptions {
  /**
   * The length in milliseconds of leases that are to end while a test waits; the store's limits are kept to. Leases of
   * other tests last a minute.
   *
   * @defaultValue 1000
   */
  readonly ttlMs?: number;
  /** Lets time pass: a virtual clock's `advance`, say. By default the platform's. One wait at a time. */
  readonly waitMs?: (ms: number) => unknown;
  /** Deletes the record of one election behind the store's back. Without it that case is not tested. */
  readonly remove?: (key: string) => unknown;
  /** Loses all that the store has. Without it that case is not tested. */
  readonly wipe?: () => unknown;
  /**
   * By when, in milliseconds, a watch has to hint at what another did.
   *
   * @defaultValue 5000
   */
  readonly hintWithinMs?: number;
  /**
   * How many candidates storm at once.
   *
   * @defaultValue 8
   */
  readonly candidates?: number;
  /**
   * How many calls each of them makes.
   *
   * @defaultValue 25
   */
  readonly rounds?: number;
  /**
   * What the storm's chance comes from. The names of leases are of another chance, so that a run meets none of before.
   *
   * @defaultValue 1
   */
  readonly seed?: number | string;
}

/** Makes an instance of the store under test; each instance knows the leases of all others. */
export type MakeLeaseStore = () => LeaseStore | Promise<LeaseStore>;

const text: Rule<string> = { expected: 'a string', accepts: (value) => typeof value === 'string' };

/**
 * Declares the tests that every {@link LeaseStore} has to pass, ours and yours, in your own test runner.
 *
 * Each promise of the contract is a test of its own: who is granted a lease, that tokens rise whatever happens, what a
 * holder can do and others cannot, how leases end, that hostile texts come back as they were, how calls answer their
 * signals. A storm of candidates is checked for linearizability against a store that does one thing after the other. A
 * failure names what was promised and what was found. Those promises that only stores of one `expiry` make, or only
 * stores with `watch`, are tests that pass for others.
 *
 * Does not test durability: that a write which was acknowledged survives a crash of the store is for its own tests.
 * Imports no test runner. The tests use names of their own and may run against a store in use, but for `wipe`.
 *
 * @param make - makes an instance of the store under test, as another process would. It is closed when its test is over.
 * Where objects share nothing, give the same one again.
 * @param tools - `describe` and `it` of the runner
 * @param options - how time passes, how data is lost
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { MemoryLeaseStore } from 'holdfast/election';
 * import { leaseStoreSuite, seededRandom, VirtualClock } from 'holdfast/testing';
 *
 * const clock = new VirtualClock();
 * const store = new MemoryLeaseStore({ runtime: { clock, random: seededRandom(1) } });
 *
 * // With a test runner: import { describe, it } from 'vitest';
 * const tests: (() => Promise<void>)[] = [];
 * const runner = { describe: (_: string, body: () => void) => body(), it: (_: string, body: () => Promise<void>) => tests.push(body) };
 *
 * leaseStoreSuite(() => store, runner, { waitMs: (ms) => clock.advance(ms) });
 * for (const test of tests) await test();
 * tests.length > 30 // => true
 * ```
 */
export function leaseStoreSuite(
  make: MakeLeaseStore,
  tools: LeaseStoreSuiteTools,
  options?: LeaseStoreSuiteOptions,
): void {
  check('make', make, func());
  const { describe, it } = tools;
  check('describe', describe, func());
  check('it', it, func());
  const given = readOptions('leaseStoreSuite', options, {
    ttlMs: number({ min: 1, integer: true }),
    waitMs: func<NonNullable<LeaseStoreSuiteOptions['waitMs']>>(),
    remove: func<NonNullable<LeaseStoreSuiteOptions['remove']>>(),
    wipe: func<NonNullable<LeaseStoreSuiteOptions['wipe']>>(),
    hintWithinMs: number({ min: 1 }),
    candidates: number({ min: 1, integer: true }),
    rounds: number({ min: 1, integer: true }),
    seed: either(number(), text),
  });
  const { ttlMs = 1000, waitMs = (ms: number) => systemClock.sleep(ms), remove, wipe, hintWithinMs = 5000 } = given;
  const { candidates = 8, rounds = 25, seed = 1 } = given;
  const prefix = `suite-${systemRandom().toString(36).slice(2, 10)}`;
  const setting = { make, prefix, ttlMs, waitMs, hintWithinMs, candidates, rounds, seed };
  const laws: Record<string, LeaseLaw> = { ...grantLaws, ...holderLaws, ...endLaws, ...hostilityLaws, ...signalLaws };
  if (remove !== undefined) laws['raises the token over a deletion by hand'] = risesOver(remove);
  if (wipe !== undefined) laws['raises the token over the loss of all data'] = risesOver(wipe);
  Object.assign(laws, stormLaws);
  describe('as a lease store', () => {
    for (const [name, law] of Object.entries(laws))
      it(name, async () => {
        const trial = new LeaseTrial(setting);
        try {
          await law(trial);
        } finally {
          await trial.close();
        }
      });
  });
}
