import type { Timer } from '../core/clock.ts';
import { type Runtime, systemRuntime } from '../core/runtime.ts';
import { quietly, settling } from './transaction.ts';

/** How the leases of a source's values are kept. */
export interface Renew<T> {
  /** How often, in milliseconds: a third of the lease is usual. */
  readonly everyMs: number;
  /** Prolongs the lease of a value. What it throws is reported, and it is asked again. */
  readonly extend: (value: T) => unknown;
}

/**
 * @internal Keeps the leases of values that a source has given and that are not settled, wherever in the graph they wait: call
 * it with a value, and what it returns when that is settled.
 */
export function renewalOf<T>(
  { everyMs, extend }: Renew<T>,
  { clock }: Runtime = systemRuntime,
): (value: T) => () => void {
  const held = new Set<{ readonly value: T }>();
  let timer: Timer | undefined;
  const wait = (): void => {
    timer = clock.setTimer(everyMs, () => {
      for (const { value } of held) quietly(() => settling(() => extend(value)));
      if (held.size > 0) wait();
    });
  };
  return (value) => {
    const one = { value };
    held.add(one);
    if (held.size === 1) wait();
    return () => {
      held.delete(one);
      if (held.size === 0) timer!.cancel();
    };
  };
}
