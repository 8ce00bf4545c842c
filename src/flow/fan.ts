import { HoldfastError } from '../core/errors.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Delivery, Flow } from './delivery.ts';
import type { FlowEvents } from './flow-events.ts';
import { type Intake, intakeOf } from './intake.ts';
import { type Failure, type Port, portOf } from './port.ts';
import { Stall } from './stall.ts';
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
export interface FanSettings {
  readonly operator: string;
  readonly runtime: Runtime;
  readonly events: FlowEvents | undefined;
  readonly stalledMs: number;
  /** A branch that is left leaves the others alone. */
  readonly detach: boolean;
}

/** @internal */
export interface BranchSettings {
  readonly buffer: number;
  readonly overflow: Overflow;
}

interface Branch<T> extends BranchSettings {
  readonly name: string;
  readonly port: Port<Delivery<T>>;
  dropped: number;
}

/**
 * @internal One flow read by several, each at its own pace as far as its buffer goes. What does not fit is held, and as long
 * as something is held, nothing more is read.
 */
export class Fan<T> {
  readonly #settings: FanSettings;
  readonly #intake: Intake<Delivery<T>>;
  readonly #branches = new Map<string, Branch<T>>();
  readonly #stall: Stall;
  /** In the order of their coming, at most one for each branch. */
  readonly #held: { readonly branch: Branch<T>; readonly delivery: Delivery<T> }[] = [];

  /** `place` puts each delivery where it belongs, and may not throw. */
  constructor(
    flow: Flow<T>,
    branches: ReadonlyMap<string, BranchSettings>,
    settings: FanSettings,
    place: (delivery: Delivery<T>, fan: Fan<T>) => void,
  ) {
    this.#settings = settings;
    const { operator, runtime, stalledMs, events } = settings;
    this.#stall = new Stall(operator, runtime.clock, stalledMs, events, () => this.#held[0]?.branch.name);
    this.#intake = intakeOf(flow, runtime, {
      take: (delivery) => {
        place(delivery, this);
        this.#advance();
      },
      end: (failure) => {
        for (const { port } of this.#branches.values()) port.end(failure);
      },
    });
    for (const [name, branchSettings] of branches) {
      const port = portOf<T>(() => ({
        want: () => {
          this.#advance();
        },
        leave: () => {
          this.#leave(branch);
        },
      }));
      const branch = { ...branchSettings, name, port, dropped: 0 };
      this.#branches.set(name, branch);
    }
  }

  /** Who reads what. */
  flows(): Record<string, Flow<T>> {
    return Object.fromEntries(Array.from(this.#branches.values(), ({ name, port }) => [name, port]));
  }

  /** The branches that somebody may read. */
  get names(): ReadonlySet<string> {
    return new Set(this.#branches.keys());
  }

  has(name: string): boolean {
    return this.#branches.has(name);
  }

  /** Puts a delivery into a branch, or does what is to be done when that is full. */
  put(name: string, delivery: Delivery<T>): void {
    const branch = this.#branches.get(name);
    if (branch === undefined) {
      quietly(() => delivery.ack()); // left in the middle of this push, by a listener
      return;
    }
    const { port, buffer, overflow } = branch;
    if (port.hungry || port.size < buffer) port.give(delivery);
    else if (overflow === 'block') this.#held.push({ branch, delivery });
    else if (overflow === 'drop-newest') this.#drop(branch, delivery);
    else if (overflow === 'drop-oldest') {
      const oldest = port.take()!;
      port.give(delivery);
      this.#drop(branch, oldest);
    } else {
      giveBack(delivery);
      this.#close({ error: new HoldfastError('BUFFER_FULL', `the branch "${name}" is not read`) });
    }
  }

  #drop(branch: Branch<T>, delivery: Delivery<T>): void {
    branch.dropped++;
    quietly(() => delivery.ack());
    this.#settings.events?.tell('dropped', { branch: branch.name, id: delivery.id, dropped: branch.dropped });
  }

  /** What is held goes where there is room now, and when nothing is held, more may come. */
  #advance(): void {
    if (this.#held.length > 0) for (const { branch, delivery } of this.#held.splice(0)) this.put(branch.name, delivery);
    const holding = this.#held.length > 0;
    this.#stall.is(holding);
    if (!holding) for (const { port } of this.#branches.values()) if (port.hungry) this.#intake.pull();
  }

  #leave(branch: Branch<T>): void {
    if (!this.#settings.detach) {
      this.#close();
      return;
    }
    this.#branches.delete(branch.name);
    for (const delivery of branch.port.drain()) this.#drop(branch, delivery);
    for (const held of this.#held.splice(0))
      if (held.branch === branch) this.#drop(branch, held.delivery);
      else this.#held.push(held);
    if (this.#branches.size > 0) this.#advance();
    else this.#close();
  }

  #close(failure?: Failure): void {
    this.#stall.is(false);
    this.#intake.close();
    for (const { delivery } of this.#held.splice(0)) giveBack(delivery);
    for (const { port } of this.#branches.values()) {
      port.end(failure);
      for (const delivery of port.drain()) giveBack(delivery);
    }
  }
}
