/*
 * A consumer of NATS JetStream as a flow: `jetStream(await consumer.consume({ max_messages: 1 }), ackWaitMs)`, with the consumer of
 * `@nats-io/jetstream`, whose shape is named here so that the package is not needed.
 */
import { flow, type Flow } from 'holdfast/flow';

export interface Message {
  readonly seq: number;
  readonly data: Uint8Array;
  readonly info: { readonly deliveryCount: number };
  ack(): void;
  nak(millis?: number): void;
  working(): void;
}

export interface Messages<M> extends AsyncIterable<M> {
  /** Ends the consumption; the iterator alone would wait for the next message. */
  close(): Promise<unknown>;
}

export function jetStream<M extends Message>(messages: Messages<M>, ackWaitMs: number): Flow<M> {
  const source: AsyncIterable<M> = {
    [Symbol.asyncIterator]() {
      const iterator = messages[Symbol.asyncIterator]();
      return {
        next: () => iterator.next(),
        return: async () => {
          await messages.close();
          return { done: true, value: undefined };
        },
      };
    },
  };
  return flow(source, {
    id: ({ seq }) => String(seq),
    attempt: ({ info }) => info.deliveryCount,
    ack: (message) => message.ack(),
    nack: (message) => message.nak(),
    renew: { everyMs: ackWaitMs / 3, extend: (message) => message.working() },
  });
}
