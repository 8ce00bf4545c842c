import { anything, check, func, number, oneOf, readOptions, type Rule } from '../core/options.ts';
import { type Runtime, runtimeRule, systemRuntime } from '../core/runtime.ts';
import { checkPhases, type Phase } from './condition.ts';
import type { Latency } from './latency.ts';

/** Options of {@link SimulatedServer}. */
export interface SimulatedServerOptions {
  /** How long the work on a request takes. */
  readonly latency: Latency;
  /**
   * How many requests are worked on at the same time; the others wait, first come, first served.
   *
   * @defaultValue `Infinity`: nobody waits
   */
  readonly workers?: number | undefined;
  /**
   * How many requests may wait; one more fails at once.
   *
   * @defaultValue `Infinity`
   */
  readonly maxQueued?: number | undefined;
  /**
   * What becomes of a request whose caller has called it off: `'drop'` frees its place or its worker at once, `'finish'`
   * does the work for nobody, as most servers do.
   *
   * @defaultValue `'drop'`
   */
  readonly onAbort?: 'drop' | 'finish' | undefined;
  /**
   * What happens to the server over time: from an instant on, counted from when it is made, it is in this condition.
   *
   * @defaultValue none: it is healthy until {@link SimulatedServer.become}
   */
  readonly phases?: readonly Phase[] | undefined;
  /**
   * Who it is; the identity that a `LoadBalancer` takes.
   *
   * @defaultValue `'server'`
   */
  readonly id?: string | undefined;
  /**
   * Time and chance.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal The options, checked and complete. */
export interface ServerSettings {
  readonly latency: Latency;
  readonly workers: number;
  readonly maxQueued: number;
  readonly onAbort: 'drop' | 'finish';
  readonly phases: readonly Phase[];
  readonly id: string;
  readonly runtime: Runtime;
}

const idRule: Rule<string> = { expected: 'a string', accepts: (value) => typeof value === 'string' };

function countRule(min: number): Rule<number> {
  const finite = number({ min, integer: true });
  return {
    expected: `${finite.expected} or Infinity`,
    accepts: (value) => value === Infinity || finite.accepts(value),
  };
}

/** @internal @throws {@link HoldfastError} `INVALID_OPTION` */
export function serverSettings(options: SimulatedServerOptions): ServerSettings {
  const values = readOptions('SimulatedServer', options, {
    latency: func<Latency>(),
    workers: countRule(1),
    maxQueued: countRule(0),
    onAbort: oneOf('drop', 'finish'),
    phases: anything<readonly Phase[]>(),
    id: idRule,
    runtime: runtimeRule,
  });
  const { workers = Infinity, maxQueued = Infinity, onAbort = 'drop', id = 'server', runtime = systemRuntime } = values;
  const latency = check('latency', values.latency, func<Latency>());
  return { latency, workers, maxQueued, onAbort, phases: checkPhases(values.phases), id, runtime };
}
