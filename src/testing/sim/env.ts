import type { Runtime } from '../../core/runtime.ts';

/** A node, as a test sees it. */
export interface SimNode<out T = unknown> {
  /** Its name. */
  readonly name: string;
  /** What `start` returned, or its promise resolved to; undefined before, and while the node is down. */
  readonly value: T | undefined;
  /** Whether a process runs, or is paused. */
  readonly up: boolean;
  /** Whether its process is paused. */
  readonly paused: boolean;
  /** Which process of the node this is, from 1; 0 before the first. */
  readonly incarnation: number;
}

/**
 * An object as another process sees it: its asynchronous methods, called over the network, and its constants. Arguments and
 * results are copied; an error arrives as it was thrown.
 *
 * A call is settled by its answer and by nothing else: it stays open for ever when the call or the answer is lost, or the
 * other process dies. A signal among the arguments, or as `signal` of one, calls off at the caller's side alone: the call may
 * be carried out all the same, there with a signal that never aborts.
 */
export type Remote<T> = {
  readonly [
    K in keyof T as Exclude<T[K], undefined> extends (...args: never[]) => PromiseLike<unknown>
      ? K
      : Exclude<T[K], undefined> extends (...args: never[]) => unknown
        ? never
        : K
  ]: T[K];
};

/** Options of `env.remote`. */
export interface RemoteOptions {
  /**
   * Members that the caller does not see: optional ones that cannot travel, such as a method that returns a stream.
   *
   * @defaultValue none
   */
  readonly without?: readonly string[] | undefined;
}

/** What a process has of the world: all of it comes through here, and may be taken apart. `M` is the type of the messages. */
export interface SimEnv<M = unknown> {
  /** The node's name. */
  readonly name: string;
  /** 1 for the first process of the node, 2 after the first restart, and so on. */
  readonly incarnation: number;
  /** The machine's clock, and chance of this process' own. */
  readonly runtime: Runtime;
  /**
   * Sends a message, which is copied. It arrives once, not at all, or twice, as the link has it.
   *
   * @param to - the name of a node
   * @param message - plain data
   * @throws {@link HoldfastError} `INVALID_OPTION` for an unknown name; a `DataCloneError` for what cannot be copied
   */
  readonly send: (to: string, message: M) => void;
  /**
   * Hears the messages to this node, in place of who heard them before. What comes while nobody hears is gone.
   *
   * @param handler - given a message and the name of its sender
   */
  readonly onMessage: (handler: (message: M, from: string) => void) => void;
  /**
   * Another node's value, as it is called over the network. See {@link Remote}.
   *
   * @param node - one whose `start` returns an object with asynchronous methods
   * @param options - what is left out
   */
  readonly remote: <T extends object>(node: SimNode<T>, options?: RemoteOptions) => Remote<T>;
  /**
   * Writes into the trace.
   *
   * @param text - what happened
   * @param detail - plain data
   */
  readonly log: (text: string, detail?: unknown) => void;
}

/**
 * What a process does: sets itself up with what it is given, and returns what others may see and call. When it is an
 * asynchronous function it has to end; what goes on for ever goes on beside it.
 */
export type Start<T, M = unknown> = (env: SimEnv<M>) => T | PromiseLike<T>;
