import { check, readOptions } from '../core/options.ts';
import { type Runtime, runtimeRule } from '../core/runtime.ts';
import type { Flow } from './delivery.ts';
import { flowRule, type Intake, intakeOf } from './intake.ts';
import { flowOf } from './port.ts';

/** Options of {@link merge}. */
export interface MergeOptions {
  /**
   * Time.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** What a flow is of. */
export type FlowValue<F> = F extends Flow<infer T> ? T : never;

/**
 * The merger: several flows as one, in the order in which deliveries come.
 *
 * Promises: each flow's own order; whatever comes first is given first, so of flows that are always ready none starves. One
 * delivery of each flow is read ahead at most. The settlement passes through. The first error closes the other flows and is
 * thrown after what was ready before it. A flow that is silent holds up nothing, leaving neither.
 *
 * Complexity: O(1) a delivery.
 *
 * @param flows - what to read; {@link MergeOptions} may come last
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { flow, merge, values } from 'holdfast/flow';
 *
 * const seen: (number | string)[] = [];
 * for await (const value of values(merge(flow([1, 2]), flow(['a', 'b'])))) seen.push(value);
 * seen // => [1, 'a', 2, 'b']
 * ```
 */
export function merge<const F extends readonly Flow<unknown>[]>(...flows: F): Flow<FlowValue<F[number]>>;
export function merge<const F extends readonly Flow<unknown>[]>(
  ...flows: readonly [...F, MergeOptions]
): Flow<FlowValue<F[number]>>;
export function merge(...flows: readonly unknown[]): Flow<unknown> {
  const last: unknown = flows.at(-1);
  const sources = (last === undefined || flowRule.accepts(last) ? flows : flows.slice(0, -1)) as Flow<unknown>[];
  const options = sources.length === flows.length ? undefined : last;
  const { runtime } = readOptions('merge', options, { runtime: runtimeRule });
  for (const source of sources) check('a flow', source, flowRule);
  return flowOf<unknown>((port) => {
    let open = sources.length;
    /** Those that owe nothing, in the order in which they have given: whoever has waited longest is asked first. */
    const resting: Intake[] = [];
    const pull = (): void => {
      if (port.hungry) while (resting.length > 0) resting.shift()!.pull();
    };
    const close = (): void => {
      for (const intake of intakes) intake.close();
    };
    const intakes = sources.map((source) => {
      const intake = intakeOf(source, runtime, {
        take(delivery) {
          resting.push(intake);
          port.give(delivery);
          pull();
        },
        end(failure) {
          if (failure !== undefined) close();
          if (failure !== undefined || --open === 0) port.end(failure);
        },
      });
      resting.push(intake);
      return intake;
    });
    if (open === 0) port.end();
    return { want: pull, leave: close };
  });
}
