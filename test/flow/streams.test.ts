/*
 * Readables of `node:stream` that end before their time, with deliveries that nobody has dealt with yet.
 */
import { createServer, get, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { copy, each, type Delivery, flow, type Flow, map, merge } from 'holdfast/flow';
import { describe, expect, it } from 'vitest';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';
import { reading, settled, upTo } from './support.ts';

const warnings = recordWarnings();

interface Told {
  readonly of: Flow<unknown>;
  readonly told: string[];
}

/** What the stream's source is told of each chunk. */
function telling(stream: Readable): Told {
  const told: string[] = [];
  const of = flow(stream as AsyncIterable<unknown>, {
    ack: (chunk) => told.push(`+${String(chunk)}`),
    nack: (chunk) => told.push(`-${String(chunk)}`),
  });
  return { of, told };
}

/** Each value is acknowledged, to the end or an error. */
async function outcomeOf(of: Flow<unknown>): Promise<unknown> {
  try {
    for await (const delivery of of) await delivery.ack();
    return 'end';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).message;
  }
}

const endless = (): Readable => {
  let n = 0;
  return new Readable({
    objectMode: true,
    highWaterMark: 4,
    read() {
      if (n < 6) this.push(n++);
    },
  });
};

describe.each<[string, (of: Flow<unknown>) => Flow<unknown>]>([
  ['flow', (of) => of],
  ['map', (of) => map(of, (n) => n, { concurrency: 3 })],
  ['copy', (of) => copy(of, ['a']).a],
  ['merge', (of) => merge(of, flow([]))],
])('a readable that is destroyed midway, under %s', (_, operator) => {
  it.each<[string, Error | undefined, string]>([
    ['with an error', new Error('torn'), 'torn'],
    ['without one', undefined, 'ERR_STREAM_PREMATURE_CLOSE'],
  ])('%s: the flow fails, and what was given out is still settled by who has it', async (_, error, expected) => {
    const stream = endless();
    const { of, told } = telling(stream);
    const { iterator, read } = await reading(operator(of), 2);
    stream.destroy(error);
    const rest: Flow<unknown> = { [Symbol.asyncIterator]: () => iterator };
    expect(await outcomeOf(rest)).toBe(expected);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    await read[0]!.ack();
    await read[1]!.nack('no');
    await settled();
    // Each once: the two that were given out, and what the operator had read ahead, which came before the error.
    expect(told.filter((text) => /[01]/.test(text)).sort()).toEqual(['+0', '-1']);
    expect(new Set(told.map((text) => text.slice(1))).size).toBe(told.length);
    await warningsSettled();
    expect(warnings).toEqual([]);
  });

  it('while somebody waits for it', async () => {
    const stream = new PassThrough({ objectMode: true });
    const { of } = telling(stream);
    const iterator = operator(of)[Symbol.asyncIterator]();
    const waiting = Promise.allSettled([iterator.next(), iterator.next()]);
    await settled();
    stream.destroy(new Error('torn'));
    const [first, second] = await waiting;
    expect([((first as PromiseRejectedResult).reason as Error).message, second]).toEqual([
      'torn',
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
  });

  it('before anybody has read it', async () => {
    const stream = endless();
    stream.on('error', () => undefined);
    stream.destroy(new Error('torn'));
    await settled();
    expect(await outcomeOf(operator(telling(stream).of))).toBe('torn');
  });

  it('is destroyed when it is left in the middle, and what it had ready is not lost to the flow', async () => {
    const stream = endless();
    const { of, told } = telling(stream);
    const { iterator, read } = await reading(operator(of), 1);
    await iterator.return!();
    await settled();
    expect(stream.destroyed).toBe(true);
    await read[0]!.ack();
    expect(told.filter((text) => text.endsWith('0'))).toEqual(['+0']);
    await warningsSettled();
    expect(warnings).toEqual([]);
  });
});

it('a PassThrough that is fed while it is read, and destroyed by its writer: each settles what was under way', async () => {
  const stream = new PassThrough({ objectMode: true });
  const { of, told } = telling(stream);
  const seen: unknown[] = [];
  const work = each(
    of,
    async (chunk) => {
      await settled();
      seen.push(chunk);
    },
    { concurrency: 2 },
  );
  for (const n of upTo(3)) stream.write(n);
  while (seen.length < 3) await settled();
  stream.write(3);
  await settled();
  stream.destroy(new Error('torn'));
  await expect(work).rejects.toMatchObject({ message: 'torn' });
  expect(told.length).toBe(new Set(told.map((text) => text.slice(1))).size);
  expect(told.filter((text) => text.startsWith('+')).length).toBe(seen.length);
});

it('an http body whose server goes away: the flow fails, what came before is dealt with', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('some');
    setTimeout(() => response.destroy(), 20);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const body = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, host: '127.0.0.1' }, resolve).on('error', reject);
    });
    const seen: string[] = [];
    const work = each(flow(body), (chunk) => seen.push(String(chunk)));
    await expect(work).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(seen).toEqual(['some']);
    expect(body.destroyed).toBe(true);
  } finally {
    server.close();
  }
});

it('an http body that its reader leaves: the connection is given up', async () => {
  let closed: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => (closed = resolve));
  const server = createServer((_, response) => {
    response.on('close', closed);
    response.writeHead(200);
    response.write('some');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const body = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ port, host: '127.0.0.1' }, resolve).on('error', reject);
    });
    const iterator = flow(body)[Symbol.asyncIterator]();
    const { value } = (await iterator.next()) as IteratorYieldResult<Delivery<unknown>>;
    await value.ack();
    const waiting = iterator.next();
    await iterator.return!();
    expect((await waiting).done).toBe(true);
    await gone;
    expect(body.destroyed).toBe(true);
  } finally {
    server.close();
  }
});
