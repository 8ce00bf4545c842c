import { each, map, values } from 'holdfast/flow';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jetStream, type Message, type Messages } from '../../examples/flow-sources/nats-jetstream.ts';
import { redisStream } from '../../examples/flow-sources/redis-streams.ts';
import { describeWith, type Server, startRedis } from '../support/servers.ts';

describeWith(['redis-server'], 'redisStream, on a real server', () => {
  let server: Server;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  const pending = async (stream: string): Promise<unknown> => (await redis.xpending(stream, 'g'))[0];

  it('loses nothing: what fails, and what a reader that has gone had, comes again', async () => {
    for (let i = 0; i < 30; i++) await redis.xadd('s', '*', 'n', String(i));
    // One that takes two and is never heard of again.
    await redis.xgroup('CREATE', 's', 'g', '0');
    await redis.xreadgroup('GROUP', 'g', 'gone', 'COUNT', 2, 'STREAMS', 's', '>');
    const failed = new Set<string>();
    const seen: string[] = [];
    const controller = new AbortController();
    const numbers = map(redisStream(redis, 's', 'g', 'me', 200), ({ fields }) => fields[1]!, { concurrency: 4 });
    const work = (n: string): void => {
      if (Number(n) % 3 === 0 && !failed.has(n)) {
        failed.add(n);
        throw new Error('once');
      }
      seen.push(n);
      if (new Set(seen).size === 30) controller.abort('done');
    };
    await expect(each(numbers, work, { concurrency: 2, signal: controller.signal })).rejects.toBe('done');
    expect([...new Set(seen)].sort()).toEqual(Array.from({ length: 30 }, (_, i) => String(i)).sort());
    expect(await pending('s')).toBe(0);
  });

  it('keeps the lease of what is worked on for longer than it, and gives it up at once when it is left', async () => {
    await redis.xadd('long', '*', 'n', '1');
    const iterator = values(redisStream(redis, 'long', 'g', 'me', 2_000))[Symbol.asyncIterator]();
    await iterator.next();
    const others: string[] = [];
    const controller = new AbortController();
    const take = ({ id }: { readonly id: string }): void => {
      others.push(id);
      controller.abort('done');
    };
    const other = each(redisStream(redis, 'long', 'g', 'other', 2_000), take, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(others).toEqual([]);
    await iterator.return!();
    await expect(other).rejects.toBe('done');
    expect([others.length, await pending('long')]).toEqual([1, 0]);
  });
});

it('jetStream tells a consumer what became of its messages (a small fake: no server of NATS is at hand)', async () => {
  const told: string[] = [];
  const message = (seq: number): Message => ({
    seq,
    data: new TextEncoder().encode(`m${String(seq)}`),
    info: { deliveryCount: seq },
    ack: () => told.push(`ack ${String(seq)}`),
    nak: () => told.push(`nak ${String(seq)}`),
    working: () => told.push(`working ${String(seq)}`),
  });
  let closed = 0;
  let sent = 0;
  const messages: Messages<Message> = {
    close: async () => closed++,
    [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: message(++sent) }) }),
  };
  for await (const { id, attempt, value } of jetStream(messages, 30)) {
    expect([id, attempt]).toEqual([String(value.seq), value.seq]);
    break;
  }
  expect([told, closed]).toEqual([[], 1]); // whoever reads deliveries settles them

  const controller = new AbortController();
  const work = async ({ seq }: Message): Promise<void> => {
    if (seq === 3) throw new Error('no');
    if (seq === 4) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      controller.abort('done');
    }
  };
  await expect(each(jetStream(messages, 30), work, { signal: controller.signal })).rejects.toBe('done');
  expect(told.filter((text) => !text.startsWith('working'))).toEqual(['ack 2', 'nak 3', 'ack 4']);
  expect(told).toContain('working 4');
  expect(closed).toBe(2);
});
