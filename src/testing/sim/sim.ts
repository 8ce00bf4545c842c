import type { SeededRandom } from '../seeded-random.ts';
import type { CallFaults } from './call-faults.ts';
import type { SimNode, Start } from './env.ts';
import type { Fault } from './fault.ts';
import type { LinkOptions } from './link-options.ts';
import type { NetworkCounts } from './network.ts';
import type { NodeOptions } from './node-options.ts';
import type { SimRunOptions } from './settings.ts';

/** What a run was. */
export interface SimReport {
  /** The seed. */
  readonly seed: number | bigint | string;
  /** How many events have happened. */
  readonly steps: number;
  /** How much virtual time has passed, in milliseconds. */
  readonly virtualMs: number;
  /** The same for the same seed, in every process and on every platform: a hash of all that happened. */
  readonly traceHash: string;
  /** How often each `sometimes` was reached; one with a condition, once at most. */
  readonly sometimes: Readonly<Record<string, number>>;
  /** What became of the messages. */
  readonly network: NetworkCounts;
}

/** Ends a fault. Idempotent. */
export type EndFault = () => void;

/** One name, or several. */
export type Names = string | readonly string[];

/** A simulated cluster. See {@link createSim}. */
export interface Sim {
  /** The seed. */
  readonly seed: number | bigint | string;
  /** The true virtual time, in milliseconds since the beginning. */
  readonly nowMs: number;
  /**
   * A stream of chance for the scenario itself: a function of the seed and the name.
   *
   * @param name - any text
   */
  random(name: string): SeededRandom;
  /**
   * A node. Its first process starts with the next step, nodes of one instant in the order in which they were made.
   *
   * @param name - unlike the others
   * @param start - what each process of the node does
   * @param options - its clock, and what goes wrong with calls to it
   */
  node<T, M = unknown>(name: string, start: Start<T, M>, options?: NodeOptions): SimNode<T>;
  /**
   * Does something at a virtual time: a line of a script.
   *
   * @param atMs - not in the past
   * @param action - what to do
   */
  at(atMs: number, action: () => void): void;
  /**
   * Has links be otherwise; what is not named stays. Messages under way are not touched.
   *
   * @param from - nodes
   * @param to - nodes
   * @param options - what the links are like; `oneWay`: only from the first to the second
   */
  link(from: Names, to: Names, options: LinkOptions & { readonly oneWay?: boolean | undefined }): EndFault;
  /**
   * Stops what is sent between two groups of nodes, and what is under way.
   *
   * @param from - nodes
   * @param to - nodes
   * @param options - `oneWay`: only from the first to the second
   */
  partition(from: Names, to: Names, options?: { readonly oneWay?: boolean | undefined }): EndFault;
  /** Ends every partition. */
  heal(): void;
  /**
   * Stops a process, as `SIGSTOP` and a long garbage collection do: its time goes on. What comes for it waits, and is
   * delivered after the pause, messages and answers in order, timers that are due in any order.
   *
   * @param node - a node
   */
  pause(node: string): EndFault;
  /**
   * Ends all pauses of a node.
   *
   * @param node - a node
   */
  resume(node: string): void;
  /**
   * Ends a process as `kill -9` does: its memory, its timers and what waits for it are gone, what it has sent is under way.
   *
   * @param node - a node
   * @returns starts another
   */
  crash(node: string): EndFault;
  /**
   * Starts a new process of a node, with the next step; one that runs crashes first.
   *
   * @param node - a node
   */
  restart(node: string): void;
  /**
   * Has a clock run at another rate, or its date jump.
   *
   * @param node - a node
   * @param options - `rate`: 1.01 is one per cent fast; `wallJumpMs`: how far the date jumps
   */
  skew(node: string, options: { readonly rate?: number | undefined; readonly wallJumpMs?: number | undefined }): void;
  /**
   * Has calls to a node go wrong, in place of what went wrong before.
   *
   * @param node - a node that serves calls
   * @param faults - what goes wrong
   * @returns what went wrong before does so again
   */
  calls(node: string, faults: CallFaults): EndFault;
  /**
   * Has faults happen at their times.
   *
   * @param faults - as they were written, or drawn by `drawFaults` or `faults`
   */
  schedule(faults: readonly Fault[]): void;
  /**
   * Must hold after every event.
   *
   * @param name - what it says
   * @param holds - synchronous; anything but true is a violation, and so is an error
   */
  always(name: string, holds: () => boolean): void;
  /**
   * Has to be reached by some seed: a test that never gets there proves nothing.
   *
   * @param name - what it says; several marks may share one
   * @param holds - is looked at after every event until it holds; without it, call what is returned
   * @returns says that the place was reached
   */
  sometimes(name: string, holds?: () => boolean): () => void;
  /**
   * Must hold at some moment after the last fault, and soon. Any fault, and its end, begins the count anew; while scheduled
   * faults are to come or to end, nothing is counted.
   *
   * @param name - what it says
   * @param holds - synchronous
   * @param withinMs - how soon, in virtual milliseconds
   */
  eventually(name: string, holds: () => boolean, withinMs: number): void;
  /**
   * Runs the simulation. May be called again, to go on.
   *
   * @param options - how far
   * @throws {@link SimFailure} as a rejection
   */
  run(options?: SimRunOptions): Promise<SimReport>;
  /** What the run was, so far. */
  report(): SimReport;
}
