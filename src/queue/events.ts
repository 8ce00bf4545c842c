import type { DeadReason } from './queue-store.ts';

/** Events of {@link WorkQueue}. */
export interface WorkQueueEvents<R> {
  /** A job is done. */
  readonly done: { readonly id: string; readonly attempt: number; readonly value: R };
  /** An attempt has failed, and another one follows in `delayMs`. */
  readonly retry: { readonly id: string; readonly attempt: number; readonly delayMs: number; readonly error: unknown };
  /** A job was given up. */
  readonly dead: {
    readonly id: string;
    readonly attempt: number;
    readonly reason: DeadReason;
    readonly error: unknown;
  };
  /** A job was taken back. */
  readonly cancelled: { readonly id: string; readonly reason: unknown };
  /** A job that waited gave way to another. */
  readonly dropped: { readonly id: string };
  /** A handler says how far it is. */
  readonly progress: { readonly id: string; readonly attempt: number; readonly value: unknown };
  /** A handler was asked to stop and goes on: its worker is occupied, or, as configured, was given up. */
  readonly stuck: { readonly id: string; readonly attempt: number; readonly released: boolean };
  /** A lease was lost while its handler ran: another worker may have the job. */
  readonly leaseLost: { readonly id: string; readonly attempt: number };
  /** The number of workers changes. */
  readonly scale: { readonly from: number; readonly to: number; readonly reason: string };
  /** The store could not be asked; it is asked again. */
  readonly storeError: { readonly error: unknown };
  /** Nothing waits, is delayed or runs. */
  readonly idle: { readonly done: number; readonly dead: number };
}
