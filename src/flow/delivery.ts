/**
 * One value on its way from a source to whoever deals with it, and the way back of its acknowledgement.
 *
 * Rules for whoever makes one: the first of `ack` and `nack` counts, what comes later does nothing; a delivery that gets
 * neither is delivered again when its source says so.
 */
export interface Delivery<out T> {
  /** What is delivered. */
  readonly value: T;
  /** The same for each delivery of the same value. */
  readonly id: string;
  /** Which delivery of this value it is, from 1. */
  readonly attempt: number;
  /** It was dealt with: the source need not keep it. */
  ack(): Promise<void>;
  /**
   * It was not dealt with: the source delivers it again, or gives it up.
   *
   * @param reason - why, for the source's dead letters
   */
  nack(reason?: unknown): Promise<void>;
}

/** Values with acknowledgement: the one type of batch processing. */
export type Flow<T> = AsyncIterable<Delivery<T>>;
