import { type Delivery, flow, type Flow, type FlowOptions } from 'holdfast/flow';
import { VirtualClock } from 'holdfast/testing';
import { steady } from '../support/serving.ts';

/** What a source was told, in order: `+` and the value for an acknowledgement, `-` for the contrary. */
export interface Told {
  readonly flow: Flow<number>;
  readonly told: string[];
  /** The reasons of what was nacked. */
  readonly reasons: unknown[];
  /** How many values were read. */
  read: number;
  /** How often it was closed. */
  closed: number;
}

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A flow of 0, 1, 2 … that says what it is told; after the last one it ends, or stays silent for ever. */
export function source(
  length: number,
  then: 'ends' | 'hangs' | 'fails' = 'ends',
  options: FlowOptions<number> = {},
): Told {
  const values: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        if (result.read < length) return { done: false, value: result.read++ };
        if (then === 'hangs') await new Promise(() => undefined);
        if (then === 'fails') throw new Error('broken');
        return { done: true, value: undefined };
      },
      return: async () => {
        result.closed++;
        return { done: true, value: undefined };
      },
    }),
  };
  const told: string[] = [];
  const reasons: unknown[] = [];
  const result: Told = {
    flow: flow(values, {
      ack: (value) => told.push(`+${String(value)}`),
      nack: (value, reason) => {
        told.push(`-${String(value)}`);
        reasons.push(reason);
      },
      // Of a clock that stands still: what a test sees must not hang on how busy the machine is.
      runtime: steady(new VirtualClock()),
      ...options,
    }),
    told,
    reasons,
    read: 0,
    closed: 0,
  };
  return result;
}

/** The values of a flow, each acknowledged as it comes. */
export async function taken<T>(of: Flow<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const delivery of of) {
    seen.push(delivery.value);
    await delivery.ack();
  }
  return seen;
}

/** Reads so many of a flow and goes on to hold it. */
export async function reading<T>(
  of: Flow<T>,
  count: number,
): Promise<{ readonly iterator: AsyncIterator<Delivery<T>>; readonly read: Delivery<T>[] }> {
  const iterator = of[Symbol.asyncIterator]();
  const read: Delivery<T>[] = [];
  while (read.length < count) read.push(((await iterator.next()) as IteratorYieldResult<Delivery<T>>).value);
  return { iterator, read };
}

/** Reads a loop's values, of which nobody needs one, to its end, and says how many they were; or until it is enough. */
export async function readUntil(
  of: AsyncIterable<unknown>,
  enough: (read: number) => boolean | Promise<boolean> = () => false,
): Promise<number> {
  const iterator = of[Symbol.asyncIterator]();
  for (let read = 0; ;) {
    const { done } = await iterator.next();
    if (done === true) return read;
    if (await enough(++read)) break;
  }
  await iterator.return?.();
  return Infinity;
}

/** Every promise chain that is ready has run. */
export const settled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
