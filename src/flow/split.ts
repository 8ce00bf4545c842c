import { HoldfastError } from '../core/errors.ts';
import { check, describe, func, readOptions } from '../core/options.ts';
import { systemRuntime } from '../core/runtime.ts';
import { type Branches, type LaneOptions, lanesOf, laneShape } from './copy.ts';
import type { Flow } from './delivery.ts';
import { Fan } from './fan.ts';
import { checkFlow } from './intake.ts';
import { refuse } from './transaction.ts';

/** DOC */
export function split<T, const N extends string>(
  flow: Flow<T>,
  route: (value: T) => N,
  names: readonly N[],
  options?: LaneOptions,
): Branches<T, N> {
  return lanes('split', flow, check('route', route, func<typeof route>()), names, options) as Branches<T, N>;
}

/** @internal Exactly one of some branches for each delivery. */
export function lanes<T>(
  operator: string,
  flow: Flow<T>,
  route: (value: T) => string | undefined,
  names: readonly string[],
  options: LaneOptions | undefined,
): Branches<T, string> {
  checkFlow(flow);
  const { buffer, events, runtime = systemRuntime, stalledMs = 10_000 } = readOptions(operator, options, laneShape);
  const settings = { operator, runtime, events, stalledMs, detach: false };
  const fan: Fan<T> = new Fan(flow, lanesOf(names, buffer), settings, (delivery) => {
    try {
      const name = route(delivery.value);
      if (name === undefined || !fan.has(name))
        throw new HoldfastError('NO_ROUTE', `there is no branch ${describe(name)}`);
      fan.put(name, delivery);
    } catch (error) {
      refuse(events, operator, delivery, error);
    }
  });
  return fan.flows();
}
