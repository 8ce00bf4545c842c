import { func, number, readOptions } from '../../core/options.ts';
import { type Latency, latency } from '../latency.ts';

/** What a link between two nodes does to what is sent over it. Shares are of the messages, from 0 to 1. */
export interface LinkOptions {
  /**
   * How long a message takes, in milliseconds: one of {@link latency}, or your own. Its `inFlight` is the number of messages
   * on the link, its `sinceMs` the virtual time.
   *
   * @defaultValue `latency.uniform(1, 10)`
   */
  readonly delay?: Latency | undefined;
  /**
   * How much longer each takes, in milliseconds.
   *
   * @defaultValue 0
   */
  readonly extraMs?: number | undefined;
  /**
   * The share that never arrives.
   *
   * @defaultValue 0
   */
  readonly loss?: number | undefined;
  /**
   * The share that arrives twice, the second time out of line.
   *
   * @defaultValue 0
   */
  readonly duplicate?: number | undefined;
  /**
   * The share that leaves the line: takes the delay twice, waits for none sent before, and holds up none sent after.
   * The others arrive in the order in which they were sent, as over TCP.
   *
   * @defaultValue 0
   */
  readonly reorder?: number | undefined;
}

/** @internal */
export type LinkState = { readonly [K in keyof LinkOptions]-?: Exclude<LinkOptions[K], undefined> } & {
  readonly cut: boolean;
};

const share = number({ min: 0, max: 1 });
const shape = {
  delay: func<Latency>(),
  extraMs: number({ min: 0 }),
  loss: share,
  duplicate: share,
  reorder: share,
};

/** @internal What is named, nothing else. @throws {@link HoldfastError} `INVALID_OPTION` */
export function readLink(options: LinkOptions | undefined): Partial<LinkState> {
  // What is undefined is not read.
  return readOptions('link', options, shape) as Partial<LinkState>;
}

/** @internal */
export const plainLink: LinkState = {
  delay: latency.uniform(1, 10),
  extraMs: 0,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  cut: false,
};
