import { invalid, number, readOptions, type Rule, check } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import type { HeatRules } from './heat.ts';
import {
  capacityRule,
  HotKeyDetector,
  type HotKeyDetectorOptions,
  sampleRateRule,
  windowRule,
} from './hot-key-detector.ts';

/** How many replicas a key gets. */
export interface ReplicationOptions {
  /** How many reads a second one replica of a key should serve, as this process sees them; above 0. */
  readonly targetRate: number;
  /**
   * Replicas of every key, 1 or more.
   *
   * @defaultValue 1
   */
  readonly base?: number;
  /**
   * Replicas of the hottest key, from `base` to 1,000. Never more than there are nodes with weight.
   *
   * @defaultValue 8, or `base` when that is more
   */
  readonly max?: number;
  /**
   * Milliseconds for which a key must have cooled before it loses a replica, and between two of its losses; also for how
   * long writes go on reaching what is read no more. Longer than any copy or any other process's view is out of date.
   *
   * @defaultValue 30000
   */
  readonly coolDownMs?: number;
  /**
   * A replica is given up when each of the others would get at most this share of `targetRate`; above 0 and below 1. Smaller:
   * a wider band in which nothing changes.
   *
   * @defaultValue 0.75
   */
  readonly coolRatio?: number;
  /**
   * A node is hot when it is read more than so many times its fair share, above 1, and more than `targetRate`; then its
   * hottest key spreads, whatever that key's own rate. `Infinity` turns it off. Below 1 / `coolRatio`, keys that bring a
   * twentieth of a node's load and more keep their replicas longer than they need to.
   *
   * @defaultValue 2
   */
  readonly nodeFactor?: number;
}

/** Options of {@link ShardRouter}. */
export interface ShardRouterOptions {
  /** How many replicas a key gets. */
  readonly replication: ReplicationOptions;
  /**
   * How heat is measured: `capacity`, `windowMs`, `sampleRate` of {@link HotKeyDetectorOptions}. At most `capacity` keys at a
   * time have more than `base` replicas.
   */
  readonly detector?: Omit<HotKeyDetectorOptions, 'runtime'>;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime;
}

/** @internal The options, checked and complete. */
export interface Settings extends HeatRules {
  readonly max: number;
  readonly nodeFactor: number;
  readonly capacity: number;
  readonly windowMs: number;
  readonly runtime: Runtime;
  readonly detector: HotKeyDetector;
}

const anObject: Rule<object> = {
  expected: 'an object',
  accepts: (value) => typeof value === 'object' && value !== null,
};
const rateRule: Rule<number> = {
  expected: 'a finite number > 0',
  accepts: (value) => Number.isFinite(value) && (value as number) > 0,
};
const ratioRule: Rule<number> = {
  expected: 'a number above 0, below 1',
  accepts: (value) => typeof value === 'number' && value > 0 && value < 1,
};
const factorRule: Rule<number> = {
  expected: 'a number > 1',
  accepts: (value) => typeof value === 'number' && value > 1,
};
const replicasRule: Rule<number> = number({ min: 1, max: 1_000, integer: true });

/**
 * @internal Reads the options of a router.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function settingsFrom(options: ShardRouterOptions): Settings {
  const values = readOptions('ShardRouter', options, {
    replication: anObject as Rule<ReplicationOptions>,
    detector: anObject,
    runtime: runtimeRule,
  });
  const replication = readOptions('replication', check('replication', values.replication, anObject), {
    targetRate: rateRule,
    base: replicasRule,
    max: replicasRule,
    coolDownMs: number({ min: 1 }),
    coolRatio: ratioRule,
    nodeFactor: factorRule,
  });
  const { base = 1, coolDownMs = 30_000, coolRatio = 0.75, nodeFactor = 2 } = replication;
  const { max = Math.max(8, base) } = replication;
  if (max < base) throw invalid('max', `an integer >= base (${base})`, max);
  const { runtime = systemRuntime } = values;
  const heat = readOptions('detector', values.detector, {
    capacity: capacityRule,
    windowMs: windowRule,
    sampleRate: sampleRateRule,
  });
  const { capacity = 256, windowMs = 1_000, sampleRate = 1 } = heat;
  return {
    targetRate: check('targetRate', replication.targetRate, rateRule),
    base,
    max,
    coolDownMs,
    coolRatio,
    nodeFactor,
    capacity,
    windowMs,
    runtime,
    detector: new HotKeyDetector({ capacity, windowMs, sampleRate, runtime }),
  };
}
