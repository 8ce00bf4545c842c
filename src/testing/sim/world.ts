import type { SeededRandom } from '../seeded-random.ts';
import type { CallFaults } from './call-faults.ts';
import type { SimNode } from './env.ts';
import type { EventQueue } from './event-queue.ts';
import type { SimFailureKind } from './failure.ts';
import type { LocalTime } from './local-time.ts';
import type { Network, Station } from './network.ts';
import type { Trace } from './trace.ts';

/** @internal A node, as other nodes and its own process see it. */
export interface Machine extends SimNode, Station {
  readonly origin: number;
  readonly time: LocalTime;
  readonly random: SeededRandom;
  /** What goes wrong with calls that it serves, and the chance of those of a caller. */
  readonly calls: CallFaults;
  luckOf(caller: string): SeededRandom;
  /** What the last process that has started offers: the names of its methods outlive it. */
  readonly offered: unknown;
  /** Runs what a timer does, when the process is able to. */
  wake(fire: () => void): void;
  hear(message: unknown, from: string): void;
}

/** @internal What all nodes of a simulation share. */
export interface World {
  readonly queue: EventQueue;
  readonly trace: Trace;
  readonly network: Network;
  readonly random: SeededRandom;
  /** The node of that name. @throws {@link HoldfastError} `INVALID_OPTION` when there is none */
  machine(name: string): Machine;
  /** Whose code ran last. */
  entered: string;
  /** Ends the run with a failure, at the next step. Only the first counts. */
  fail(kind: SimFailureKind, what: string, cause?: unknown): void;
}
