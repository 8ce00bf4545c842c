import { HoldfastError } from '../core/errors.ts';
import type { Rule } from '../core/options.ts';
import { systemRuntime } from '../core/runtime.ts';
import type { Delivery, Flow } from './delivery.ts';
import { checkFlow, intakeOf } from './intake.ts';
import { type Failure, type Port, portOf } from './port.ts';
import { stallOf, type StallSettings } from './stall.ts';
import { giveBack, quietly } from './transaction.ts';

/**
 * What to do for a branch whose buffer is full, as `node:stream/iter` calls it.
 *
 * | overflow | |
 * |---|---|
 * | `'block'` | the others wait for it |
 * | `'strict'` | the flow fails, with `BUFFER_FULL` |
 * | `'drop-oldest'` | it loses what waits longest |
 * | `'drop-newest'` | it loses what comes |
 */
export type Overflow = 'strict' | 'block' | 'drop-oldest' | 'drop-newest';

/** @internal */
export interface FanSettings extends StallSettings {
  /** A branch that is left leaves the others alone. */
  readonly detach?: boolean | undefined;
}

/** @internal */
export interface BranchSettings {
  readonly name: string;
  readonly buffer?: number | undefined;
  readonly overflow?: Overflow | undefined;
}

/** @internal */
export interface Branch<T> extends BranchSettings {
  readonly port: Port<Delivery<T>>;
  dropped: number;
}

/** @internal Puts a delivery into a branch, or does what is to be done when that is full. */
export type Put<T> = (branch: Branch<T>, delivery: Delivery<T>) => void;

/** @internal The names of branches. */
export const namesRule: Rule<readonly string[]> = {
  expected: 'an array of one or more distinct strings',
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((name) => typeof name === 'string') &&
    new Set(value).size === value.length,
};

/**
 * @internal One flow read by several, each at its own pace as far as its buffer goes. What does not fit is held, and as long
 * as something is held, nothing more is read. `place` puts each delivery where it belongs, and may not throw.
 */
export function fan<T>(
  operator: string,
  flow: Flow<T>,
  settings: readonly BranchSettings[],
  { stalledMs, events, runtime = systemRuntime, detach }: FanSettings,
  place: (delivery: Delivery<T>, open: ReadonlyMap<string, Branch<T>>, put: Put<T>) => void,
): Record<string, Flow<T>> {
  checkFlow(flow);
  /** Those that somebody may read. */
  const open = new Map<string, Branch<T>>();
  /** In the order of their coming, at most one for each branch. */
  const held: (readonly [Branch<T>, Delivery<T>])[] = [];
  const stalls = stallOf(operator, { stalledMs, events, runtime }, () => held[0]![0].name);

  const put: Put<T> = (branch, delivery) => {
    const { name, port, buffer = 16, overflow = 'block' } = branch;
    if (open.get(name) !== branch)
      quietly(() => delivery.ack()); // left in the middle of this push, by a listener
    else if (port.hungry || port.size < buffer) port.give(delivery);
    else if (overflow === 'block') held.push([branch, delivery]);
    else if (overflow === 'drop-newest') drop(branch, delivery);
    else if (overflow === 'drop-oldest') {
      const oldest = port.take()!;
      port.give(delivery);
      drop(branch, oldest);
    } else {
      giveBack(delivery);
      close({ error: new HoldfastError('BUFFER_FULL', `the branch "${name}" is not read`) });
    }
  };

  const drop = (branch: Branch<T>, delivery: Delivery<T>): void => {
    quietly(() => delivery.ack());
    events?.tell('dropped', { branch: branch.name, id: delivery.id, dropped: ++branch.dropped });
  };

  /** What is held goes where there is room now, and when nothing is held, more may come. */
  const advance = (): void => {
    if (held.length > 0) for (const [branch, delivery] of held.splice(0)) put(branch, delivery);
    stalls(held.length > 0);
    if (held.length === 0) for (const { port } of open.values()) if (port.hungry) intake.pull();
  };

  const leave = (branch: Branch<T>): void => {
    if (detach !== true) {
      close();
      return;
    }
    open.delete(branch.name);
    for (const delivery of branch.port.drain()) drop(branch, delivery);
    for (const one of held.splice(0))
      if (one[0] === branch) drop(...one);
      else held.push(one);
    if (open.size > 0) advance();
    else close();
  };

  const close = (failure?: Failure): void => {
    stalls(false);
    intake.close();
    for (const [, delivery] of held.splice(0)) giveBack(delivery);
    for (const { port } of open.values()) {
      port.end(failure);
      port.drain().forEach(giveBack);
    }
  };

  const intake = intakeOf(flow, runtime, {
    take(delivery) {
      place(delivery, open, put);
      advance();
    },
    end(failure) {
      for (const { port } of open.values()) port.end(failure);
    },
  });

  return Object.fromEntries(
    settings.map((one) => {
      const port = portOf<T>(() => ({
        want: advance,
        leave() {
          leave(branch);
        },
      }));
      const branch = { ...one, port, dropped: 0 };
      open.set(one.name, branch);
      return [one.name, port];
    }),
  );
}
