/** Clients that people have, inside a leaf: what they are given by an attempt is what they take. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Client,
  credentials,
  makeGenericClientConstructor,
  Server as GrpcServer,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { ConstantBackoff, handleAll, retry as cockatielRetry, timeout, TimeoutStrategy, wrap } from 'cockatiel';
import { LoadBalancer, replicate } from 'holdfast/balancing';
import { type Call, hedge, retry, stack, timebox } from 'holdfast/calls';
import { scatterGather } from 'holdfast/scatter';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let server: Server;
let url: string;
let closedEarly = 0;
beforeAll(async () => {
  server = createServer((incoming, response) => {
    response.on('close', () => {
      if (!response.writableFinished) closedEarly++;
    });
    if (incoming.url !== '/silent') response.end(`${String(incoming.method)} ${String(incoming.url)}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** Until the server has seen another request closed. */
async function anotherClosed(before: number): Promise<void> {
  while (closedEarly === before) await new Promise((resolve) => setImmediate(resolve));
}

describe('fetch', () => {
  it('is a Call: hedged, retried and boxed without an adapter', async () => {
    const ask = stack(
      fetch as Call<string, Response>,
      (next) => timebox(next, 5_000),
      (next) => retry(next),
      (next) => hedge(next, { after: 4_000 }),
    );
    const response = await ask(`${url}/a`, { deadline: 20_000 });
    expect(await response.text()).toBe('GET /a');
  });

  it('ends with the call, and the server sees it', async () => {
    const before = closedEarly;
    const get = replicate([url], (host) => (path: string, options) => fetch(host + path, options));
    await expect(get('/silent', { deadline: 100 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await anotherClosed(before);
  });
});

describe('undici', () => {
  it('takes the signal of an attempt', async () => {
    const dispatcher = new Agent();
    const { values } = await scatterGather(
      ['/1', '/2', '/3'],
      async (path, { signal }) => await (await request(url + path, { signal, dispatcher })).body.text(),
      { deadline: 20_000 },
    );
    expect(values).toEqual(['GET /1', 'GET /2', 'GET /3']);
    const before = closedEarly;
    const silent = scatterGather(['/silent'], (path, { signal }) => request(url + path, { signal, dispatcher }), {
      deadline: 100,
    });
    await expect(silent).rejects.toMatchObject({ code: 'INSUFFICIENT_COVERAGE' });
    await anotherClosed(before);
    await dispatcher.close();
  });
});

describe('a gRPC stub', () => {
  interface Text {
    readonly text: string;
  }
  const bytes = (message: Text): Buffer => Buffer.from(message.text);
  const text = (buffer: Buffer): Text => ({ text: buffer.toString() });
  const service: ServiceDefinition = {
    echo: {
      path: '/Echo/Echo',
      requestStream: false,
      responseStream: false,
      requestSerialize: bytes,
      requestDeserialize: text,
      responseSerialize: bytes,
      responseDeserialize: text,
    },
  };
  type Stub = Client & {
    echo(
      message: Text,
      options: { deadline: Date },
      done: (error: Error | null, answer?: Text) => void,
    ): { cancel(): void };
  };

  it('is a member of a balancer: deadline in, cancel on abort', async () => {
    let cancelled = 0;
    const grpc = new GrpcServer();
    grpc.addService(service, {
      echo(call: ServerUnaryCall<Text, Text>, done: sendUnaryData<Text>) {
        call.on('cancelled', () => cancelled++);
        if (call.request.text !== 'silent') done(null, { text: `echo ${call.request.text}` });
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    const Echo = makeGenericClientConstructor(service, 'Echo');
    const stub = new Echo(`127.0.0.1:${String(port)}`, credentials.createInsecure()) as unknown as Stub;
    const echo = (member: Stub, message: string, signal: AbortSignal, leftMs: number): Promise<string> =>
      new Promise((resolve, reject) => {
        const sent = member.echo({ text: message }, { deadline: new Date(Date.now() + leftMs) }, (error, answer) => {
          if (error === null) resolve(answer!.text);
          else reject(error);
        });
        signal.addEventListener('abort', () => {
          sent.cancel();
        });
      });
    const pool = new LoadBalancer([stub], { id: () => 'echo' });
    const ask = (message: string, deadline: number): Promise<string> =>
      pool.run((member, attempt) => echo(member, message, attempt.signal, attempt.deadline.remaining()), { deadline });
    expect(await ask('hello', 20_000)).toBe('echo hello');
    const abort = new AbortController();
    const silent = pool.run((member, { signal }) => echo(member, 'silent', signal, 20_000), { signal: abort.signal });
    setTimeout(() => {
      abort.abort(new Error('no longer wanted'));
    }, 50);
    await expect(silent).rejects.toThrow('no longer wanted');
    while (cancelled === 0) await new Promise((resolve) => setImmediate(resolve));
    stub.close();
    grpc.forceShutdown();
  });
});

describe('a cockatiel policy', () => {
  it('inside a leaf tries again under the attempt, and stops with it', async () => {
    const policy = wrap(
      cockatielRetry(handleAll, { maxAttempts: 3, backoff: new ConstantBackoff(1) }),
      timeout(2_000, TimeoutStrategy.Cooperative),
    );
    let tries = 0;
    const { values } = await scatterGather(
      [url],
      (host, { signal }) =>
        policy.execute(async ({ signal: inner }) => {
          if (++tries < 3) throw new Error('not yet');
          return await (await fetch(`${host}/c`, { signal: inner })).text();
        }, signal),
      { deadline: 20_000 },
    );
    expect(values).toEqual(['GET /c']);
    expect(tries).toBe(3);
    const pool = new LoadBalancer([url]);
    const before = closedEarly;
    const silent = pool.run(
      (host, { signal }) => policy.execute(({ signal: inner }) => fetch(`${host}/silent`, { signal: inner }), signal),
      { deadline: 100 },
    );
    await expect(silent).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await anotherClosed(before);
  });
});
