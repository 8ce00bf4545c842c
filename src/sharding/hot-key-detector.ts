import { check, number, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import type { Key } from '../hashing/index.ts';
import { keyOf, textOf } from './key-text.ts';
import { type Counter, SpaceSaving } from './space-saving.ts';
import { SteadyTime } from '../core/steady-time.ts';
import { Windows } from './windows.ts';

/** Options of {@link HotKeyDetector}. */
export interface HotKeyDetectorOptions {
  /**
   * How many keys are monitored in each of the two windows, from 1 to 65,536. A key with more than 1 / `capacity` of the
   * traffic is always found. More: finer bounds, more memory.
   *
   * @defaultValue 256
   */
  readonly capacity?: number;
  /**
   * Length of a window in milliseconds, 1 or more. A rate is measured over one to two windows. Shorter: heat is seen sooner,
   * and chance is taken for heat more often.
   *
   * @defaultValue 1000
   */
  readonly windowMs?: number;
  /**
   * The share of events that are looked at, from 0.000001 to 1. Counts are scaled up accordingly.
   *
   * @defaultValue 1
   */
  readonly sampleRate?: number;
  /**
   * Time, and chance for sampling.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime;
}

/** How hot a key is. */
export interface HotKey {
  /** The key: a string, or bytes where they are not UTF-8. */
  readonly key: Key;
  /** Weight a second: the middle of the bounds. */
  readonly rate: number;
  /** It was at least this, a second. */
  readonly lower: number;
  /** It was at most this, a second. */
  readonly upper: number;
  /** All three are over the last so many milliseconds. */
  readonly spanMs: number;
}

/** @internal */
export const capacityRule: Rule<number> = number({ min: 1, max: 65_536, integer: true });
/** @internal */
export const windowRule: Rule<number> = number({ min: 1 });
/** @internal */
export const sampleRateRule: Rule<number> = number({ min: 1e-6, max: 1 });
/** Bounded, so that no sum loses its meaning. */
const weightRule: Rule<number> = number({ min: 0, max: 1e9 });
const countRule: Rule<number> = number({ min: 0, integer: true });

/**
 * Finds the keys that get the most traffic, in memory that does not depend on how many keys there are.
 *
 * Promises, with `sampleRate` 1: `lower` and `upper` bracket the true rate of what was recorded in the last `spanMs`; they
 * are at most 1 / `capacity` of the whole traffic apart; every key with more than that is in `top`. `spanMs` is the
 * measured time and at least `windowMs`: a stall of the process neither discards what was counted before nor dilutes what
 * comes after, and a clock that steps back is a clock that stood still. Memory is O(`capacity`), keys of up to 4,096 bytes of
 * UTF-8 included; longer keys are not monitored. A string and its UTF-8 bytes are one key, as in placement.
 *
 * With a smaller `sampleRate` the rates are right in expectation, and the bounds are those of the sample: chance comes on
 * top, with a standard deviation of about √(rate · span · (1 − p) / p) events. Does not promise to see other processes.
 *
 * Complexity: `record` O(log capacity), without allocation for a string key that is monitored; `estimate` O(1); `top`
 * O(capacity · log capacity).
 *
 * Source: {@link https://doi.org/10.1007/978-3-540-30570-5_27 | Space-Saving} (Metwally, Agrawal, El Abbadi, 2005).
 *
 * @example
 * ```ts
 * import { HotKeyDetector } from 'holdfast/sharding';
 *
 * const detector = new HotKeyDetector({ capacity: 100, windowMs: 100_000 });
 * for (let i = 0; i < 1_000; i++) detector.record(i % 2 === 0 ? 'the hot one' : `user:${i}`);
 * const hottest = detector.top(1)[0]!;
 * hottest.key // => 'the hot one'
 * hottest.lower <= 5 // => true
 * hottest.upper >= 5 // => true
 * ```
 */
export class HotKeyDetector {
  readonly #windowMs: number;
  readonly #sampleRate: number;
  readonly #runtime: Runtime;
  readonly #time: SteadyTime;
  readonly #windows: Windows<SpaceSaving>;

  /**
   * @param options - how many keys, over how long
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options?: HotKeyDetectorOptions) {
    const values = readOptions('HotKeyDetector', options, {
      capacity: capacityRule,
      windowMs: windowRule,
      sampleRate: sampleRateRule,
      runtime: runtimeRule,
    });
    const { capacity = 256, windowMs = 1_000, sampleRate = 1, runtime = systemRuntime } = values;
    this.#windowMs = windowMs;
    this.#sampleRate = sampleRate;
    this.#runtime = runtime;
    this.#time = new SteadyTime(runtime.clock);
    this.#windows = new Windows(windowMs, this.#time.now(), () => new SpaceSaving(capacity));
  }

  /**
   * Something happened to a key.
   *
   * @param key - string or bytes
   * @param weight - how much, from 0 to 10^9: requests, bytes, milliseconds
   * @throws a `TypeError` with code `INVALID_OPTION` for another kind of key; {@link HoldfastError} `INVALID_OPTION` for a
   * bad weight
   */
  record(key: Key, weight = 1): void {
    if (weight !== 1) check('weight', weight, weightRule);
    const text = textOf(key);
    if (text === undefined || weight === 0) return;
    if (this.#sampleRate < 1 && this.#runtime.random() >= this.#sampleRate) return;
    this.#windows.at(this.#time.now()).add(text, weight);
  }

  /**
   * How hot one key is, monitored or not. `upper` is `Infinity` for a key that is too long to be monitored.
   *
   * @param key - string or bytes
   * @throws a `TypeError` with code `INVALID_OPTION` for another kind of key
   */
  estimate(key: Key): HotKey {
    const nowMs = this.#look();
    const text = textOf(key);
    if (text === undefined) return { key, rate: 0, lower: 0, upper: Infinity, spanMs: this.#windows.spanMs(nowMs) };
    return this.#estimate(text, nowMs);
  }

  /**
   * The hottest keys, by `rate`; those of one rate in the order of their text.
   *
   * @param count - how many at most, a whole number of 0 or more; 10 when absent
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  top(count = 10): HotKey[] {
    check('count', count, countRule);
    const nowMs = this.#look();
    return this.#candidates(count, nowMs)
      .map((text) => ({ text, found: this.#estimate(text, nowMs) }))
      .sort((a, b) => b.found.rate - a.found.rate || (a.text < b.text ? -1 : 1))
      .slice(0, count)
      .map(({ found }) => found);
  }

  /** The keys that may be among the hottest `count`: more only where several have the rate of the last. */
  #candidates(count: number, nowMs: number): string[] {
    const { current, previous } = this.#windows;
    const texts = [...new Set([...current.keys(), ...previous.keys()])];
    if (count >= texts.length) return texts;
    if (count === 0) return [];
    const rates = Float64Array.from(texts, (text) => this.#estimate(text, nowMs).rate);
    const least = rates.toSorted().at(-count)!;
    return texts.filter((_, i) => rates[i]! >= least);
  }

  #look(): number {
    const nowMs = this.#time.now();
    this.#windows.roll(nowMs);
    return nowMs;
  }

  /** Over both windows, or over the newest alone where that is whole and shows more heat. */
  #estimate(text: string, nowMs: number): HotKey {
    const { current, previous } = this.#windows;
    const key = keyOf(text);
    const spanMs = this.#windows.spanMs(nowMs);
    const newest = current.get(text);
    const older = previous.get(text);
    const least = atLeast(newest);
    const most = newest?.count ?? current.unseen;
    const both = this.#hotKey(key, least + atLeast(older), most + (older?.count ?? previous.unseen), spanMs);
    if (!this.#windows.currentIsWhole(nowMs)) return both;
    const recent = this.#hotKey(key, least, most, this.#windowMs);
    return recent.rate > both.rate ? recent : both;
  }

  #hotKey(key: Key, least: number, most: number, spanMs: number): HotKey {
    const perSecond = 1_000 / (spanMs * this.#sampleRate);
    const lower = least * perSecond;
    const upper = most * perSecond;
    return { key, rate: (lower + upper) / 2, lower, upper, spanMs };
  }
}

function atLeast(counter: Counter | undefined): number {
  return counter === undefined ? 0 : counter.count - counter.error;
}
