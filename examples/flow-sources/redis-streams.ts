/*
 * A consumer group of Redis Streams as a flow. At least once: an entry that is not acknowledged is claimed again, by anybody in
 * the group, when its lease is over; a nack ends the lease at once.
 */
import { flow, type Flow } from 'holdfast/flow';
import type { Redis } from 'ioredis';

export interface StreamEntry {
  readonly id: string;
  /** Names and values in turn, as Redis has them. */
  readonly fields: readonly string[];
}

type Entries = readonly (readonly [id: string, fields: readonly string[]])[];

export function redisStream(
  redis: Redis,
  stream: string,
  group: string,
  name: string,
  leaseMs = 30_000,
): Flow<StreamEntry> {
  async function* entries(): AsyncGenerator<StreamEntry> {
    const reader = redis.duplicate(); // it waits for entries, and acknowledgements must not
    try {
      await reader.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch((error: unknown) => {
        if (!String(error).includes('BUSYGROUP')) throw error;
      });
      for (;;) {
        const [, claimed] = (await reader.xautoclaim(stream, group, name, leaseMs, '0', 'COUNT', 1)) as [
          string,
          Entries,
        ];
        for (const [id, fields] of claimed) yield { id, fields };
        if (claimed.length > 0) continue;
        const read = await reader.xreadgroup('GROUP', group, name, 'COUNT', 1, 'BLOCK', 500, 'STREAMS', stream, '>');
        for (const [id, fields] of (read as [string, Entries][] | null)?.[0]?.[1] ?? []) yield { id, fields };
      }
    } finally {
      reader.disconnect();
    }
  }
  return flow(entries(), {
    id: ({ id }) => id,
    ack: ({ id }) => redis.xack(stream, group, id),
    nack: ({ id }) => redis.xclaim(stream, group, name, 0, id, 'IDLE', leaseMs, 'JUSTID'),
    renew: { everyMs: leaseMs / 3, extend: ({ id }) => redis.xclaim(stream, group, name, 0, id, 'JUSTID') },
  });
}
