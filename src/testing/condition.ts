import { either, func, invalid, number, oneOf, readOptions } from '../core/options.ts';
import type { Random } from '../core/random.ts';
import type { Latency, ServerLoad } from './latency.ts';

/** How a server that works does its work. */
export interface WorkingCondition {
  /**
   * How long the work on a request takes: a server that has become slow, or quick because it fails.
   *
   * @defaultValue the server's own
   */
  readonly latency?: Latency | undefined;
  /**
   * The share of requests that fail when their work is done.
   *
   * @defaultValue 0
   */
  readonly failRate?: number | undefined;
}

/**
 * What a server is like:
 *
 * | condition | requests that come | those in the queue | those that are worked on |
 * |---|---|---|---|
 * | `'healthy'` | are served | are served | go on |
 * | `{ latency, failRate }` | are served so | are served so, once they start | go on as they began |
 * | `'stalled'`, a pause | wait | wait | their answers are held back until it is over |
 * | `'silent'`, a black hole | are taken and never answered | are served | go on |
 * | `'dead'` | fail at once | fail at once | fail at once |
 */
export type Condition = 'healthy' | 'stalled' | 'silent' | 'dead' | WorkingCondition;

/** From when on a server is in a condition. */
export interface Phase {
  /** Milliseconds after the server was made. */
  readonly fromMs: number;
  /** What it is like from then on. */
  readonly condition: Condition;
}

const name = oneOf('healthy', 'stalled', 'silent', 'dead');
const shape = { latency: func<Latency>(), failRate: number({ min: 0, max: 1 }) };
const plain = either(name, { expected: 'an object', accepts: (value) => typeof value === 'object' && value !== null });

/** @internal @throws {@link HoldfastError} `INVALID_OPTION` */
export function checkCondition(condition: Condition): Condition {
  if (!plain.accepts(condition)) throw invalid('condition', plain.expected, condition);
  return typeof condition === 'string' ? condition : { ...readOptions('condition', condition, shape) };
}

/** @internal In order of time. @throws {@link HoldfastError} `INVALID_OPTION` */
export function checkPhases(phases: readonly Phase[] = []): readonly Phase[] {
  if (!Array.isArray(phases)) throw invalid('phases', 'an array', phases);
  let lastMs = -1;
  return phases.map((phase: Phase) => {
    const { fromMs, condition } = phase;
    if (!number({ min: 0 }).accepts(fromMs) || fromMs <= lastMs)
      throw invalid('fromMs of a phase', 'a finite number >= 0, above that of the phase before', fromMs);
    lastMs = fromMs;
    return { fromMs, condition: checkCondition(condition) };
  });
}

/** @internal How the work on a request that starts now goes; `usual` is the latency of a server in health. */
export function workUnder(
  condition: Condition,
  usual: Latency,
  random: Random,
  load: ServerLoad,
): { readonly workMs: number; readonly fails: boolean } {
  const { latency = usual, failRate = 0 } = typeof condition === 'object' ? condition : {};
  return { workMs: Math.max(0, latency(random, load)), fails: failRate > 0 && random() < failRate };
}
