import { anything, func, number, object, oneOf, readOptions } from '../../core/options.ts';
import { type LinkOptions, type LinkState, plainLink, readLink } from './link-options.ts';

/** How far the clocks of a simulation are apart. */
export interface ClockOptions {
  /**
   * A node's rate is uniform within so much of 1: with 0.01, from 0.99 to 1.01.
   *
   * @defaultValue 0
   */
  readonly maxDrift?: number | undefined;
  /**
   * A node's monotonic clock begins between 0 and so much, its wall clock within so much of the truth, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly maxOffsetMs?: number | undefined;
}

/** Options of {@link createSim} that do not depend on the seed. */
export interface SimSettings {
  /** What a link is like where `sim.link` says nothing else. */
  readonly link?: LinkOptions | undefined;
  /** How far the clocks are apart. */
  readonly clocks?: ClockOptions | undefined;
  /**
   * The true date at the beginning, in milliseconds since the epoch.
   *
   * @defaultValue 0
   */
  readonly epochMs?: number | undefined;
  /**
   * How many of the last trace lines a failure shows.
   *
   * @defaultValue 30
   */
  readonly traceLines?: number | undefined;
  /** Hears each line of the trace. Slow; for a run that is looked at. */
  readonly onTrace?: ((line: string) => void) | undefined;
  /**
   * The command that repeats a run, for the message of a failure.
   *
   * @defaultValue the `seed` option with its value
   */
  readonly replay?: ((seed: number | bigint | string) => string) | undefined;
  /**
   * What becomes of code that takes time or chance from the platform while the simulation runs (`Date.now`, `setTimeout`,
   * `Math.random` …): `'refuse'` throws there and fails the run. It holds for the whole process, for nobody can tell who
   * called; `'allow'` it when something else runs beside the simulation.
   *
   * @defaultValue `'refuse'`
   */
  readonly ambient?: 'refuse' | 'allow' | undefined;
}

/** Options of {@link createSim}. */
export interface SimOptions extends SimSettings {
  /** All chance of the run: any number, bigint or text. */
  readonly seed: number | bigint | string;
}

/** How far `run` goes. */
export interface SimRunOptions {
  /**
   * Up to this virtual time, in milliseconds since the beginning.
   *
   * @defaultValue as long as there is something to do
   */
  readonly untilMs?: number | undefined;
  /** Until this holds; the run fails when it does not by `untilMs`, or when nothing is left to do. */
  readonly until?: (() => boolean) | undefined;
  /**
   * The most steps that this run may take.
   *
   * @defaultValue 1000000
   */
  readonly maxSteps?: number | undefined;
}

const shape = {
  // Looked at by seededRandom.
  seed: anything<SimOptions['seed']>(),
  link: object<LinkOptions>(),
  clocks: object<ClockOptions>(),
  epochMs: number(),
  traceLines: number({ min: 0, integer: true }),
  onTrace: func<(line: string) => void>(),
  replay: func<(seed: number | bigint | string) => string>(),
  ambient: oneOf('refuse', 'allow'),
};
const clocksShape = { maxDrift: number({ min: 0, max: 0.9 }), maxOffsetMs: number({ min: 0 }) };
const runShape = {
  untilMs: number({ min: 0 }),
  until: func<() => boolean>(),
  maxSteps: number({ min: 1, integer: true }),
};

/** @internal Settings, checked and complete. */
export interface Settings {
  readonly link: LinkState;
  readonly clocks: { readonly maxDrift: number; readonly maxOffsetMs: number };
  readonly epochMs: number;
  readonly traceLines: number;
  readonly onTrace: ((line: string) => void) | undefined;
  readonly replay: (seed: number | bigint | string) => string;
  readonly ambient: 'refuse' | 'allow';
}

/** @internal @throws {@link HoldfastError} `INVALID_OPTION` */
export function readSettings(options: SimSettings): Settings {
  const values = readOptions('createSim', options, shape);
  const { maxDrift = 0, maxOffsetMs = 0 } = readOptions('clocks', values.clocks, clocksShape);
  return {
    link: { ...plainLink, ...readLink(values.link) },
    clocks: { maxDrift, maxOffsetMs },
    epochMs: values.epochMs ?? 0,
    traceLines: values.traceLines ?? 30,
    onTrace: values.onTrace,
    replay: values.replay ?? ((seed) => `the same scenario with { seed: ${literal(seed)} }`),
    ambient: values.ambient ?? 'refuse',
  };
}

/** @internal How far a run goes, checked. */
export interface Run {
  readonly untilMs: number;
  readonly until: (() => boolean) | undefined;
  readonly maxSteps: number;
}

/** @internal @throws {@link HoldfastError} `INVALID_OPTION` */
export function readRun(options: SimRunOptions | undefined): Run {
  const { untilMs = Infinity, until, maxSteps = 1_000_000 } = readOptions('run', options, runShape);
  return { untilMs, until, maxSteps };
}

function literal(seed: number | bigint | string): string {
  return typeof seed === 'bigint' ? `${String(seed)}n` : JSON.stringify(seed);
}
