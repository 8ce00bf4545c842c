import type { DeadReason } from './queue-store.ts';

/** Events of {@link WorkQueue}. */
export interface WorkQueueEvents<R> {
  /** A job is done. */
  readonly done: {
    /** The job. */
    readonly id: string;
    /** Which attempt, from 1. */
    readonly attempt: number;
    /** What the handler has returned. */
    readonly value: R;
  };
  /** An attempt has failed, and another one follows in `delayMs`. */
  readonly retry: {
    /** The job. */
    readonly id: string;
    /** Which attempt, from 1. */
    readonly attempt: number;
    /** After how many milliseconds. */
    readonly delayMs: number;
    /** Why. */
    readonly error: unknown;
  };
  /** A job was given up. */
  readonly dead: {
    /** The job. */
    readonly id: string;
    /** Which attempt, from 1. */
    readonly attempt: number;
    /** Why, for programs. */
    readonly reason: DeadReason;
    /** Why. */
    readonly error: unknown;
  };
  /** A job was taken back. */
  readonly cancelled: {
    /** The job. */
    readonly id: string;
    /** Why. */
    readonly reason: unknown;
  };
  /** A job that waited gave way to another. */
  readonly dropped: {
    /** The job. */
    readonly id: string;
  };
  /** A handler says how far it is. */
  readonly progress: {
    /** The job. */
    readonly id: string;
    /** Which attempt, from 1. */
    readonly attempt: number;
    /** What the handler says. */
    readonly value: unknown;
  };
  /** A handler was asked to stop and goes on: its worker is occupied, or, as configured, was given up. */
  readonly stuck: {
    /** The job. */
    readonly id: string;
    /** Which attempt, from 1. */
    readonly attempt: number;
    /** Whether the worker was given up. */
    readonly released: boolean;
  };
  /** A lease was lost while its handler ran: another worker may have the job. */
  readonly leaseLost: {
    /** The job. */
    readonly id: string;
    /** Which attempt, from 1. */
    readonly attempt: number;
  };
  /** The number of workers changes. */
  readonly scale: {
    /** How many there were. */
    readonly from: number;
    /** How many there should be. */
    readonly to: number;
    /** Why. */
    readonly reason: string;
  };
  /** The store could not be asked; it is asked again. */
  readonly storeError: {
    /** Why. */
    readonly error: unknown;
  };
  /** Nothing waits, is delayed or runs. */
  readonly idle: {
    /** How many jobs are done. */
    readonly done: number;
    /** How many were given up. */
    readonly dead: number;
  };
}
