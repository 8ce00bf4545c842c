import { once } from 'node:events';
import { createServer, type IncomingMessage, request as startRequest, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { timebox } from 'holdfast/calls';
import { afterEach, expect, it } from 'vitest';
import { forward, serve, type Service } from '../../examples/support/http.ts';

const undoes: (() => unknown)[] = [];
afterEach(() => undoes.splice(0).forEach((undo) => undo()));

/** An application that knows nothing of all this, and what sends on to it. */
async function proxied(listener: RequestListener): Promise<Service> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await serve('proxy', forward(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
  undoes.push(proxy.close, () => {
    server.close();
    server.closeAllConnections();
  });
  return proxy;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A request with nothing added, and its answer with nothing decoded. */
async function ask(
  url: string,
  { body, ...options }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const [incoming] = (await once(startRequest(url, options).end(body), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return { status: incoming.statusCode!, headers: incoming.headers, body: Buffer.concat(chunks) };
}

it('hands an answer back as it is: redirects, all cookies, what is compressed', async () => {
  const packed = gzipSync('hello '.repeat(100));
  const { url } = await proxied((request, response) => {
    if (request.url === '/old')
      response.writeHead(302, { location: '/new', 'set-cookie': ['a=1; Path=/', 'b=2'] }).end();
    else response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length }).end(packed);
  });
  const moved = await ask(`${url}/old`);
  expect(moved).toMatchObject({ status: 302, headers: { location: '/new', 'set-cookie': ['a=1; Path=/', 'b=2'] } });
  const { headers, body } = await ask(`${url}/new`);
  expect(headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(packed.length) });
  expect(body.equals(packed)).toBe(true);
  expect(await (await fetch(`${url}/new`)).text()).toBe('hello '.repeat(100));
});

it('tells of the length that a HEAD asks for, and of none where there is no body', async () => {
  const { url } = await proxied((request, response) => {
    if (request.url === '/none') response.writeHead(204).end();
    else if (request.url === '/unknown') response.writeHead(200).end();
    else if (request.url === '/empty') response.writeHead(200, { 'content-length': 0 }).end();
    else
      response
        .writeHead(200, { 'content-length': 1_234 })
        .end(request.method === 'HEAD' ? undefined : 'x'.repeat(1_234));
  });
  const lengths = async (method: string, path: string): Promise<string | undefined> =>
    (await ask(url + path, { method })).headers['content-length'];
  expect(await lengths('HEAD', '/')).toBe('1234');
  expect(await lengths('HEAD', '/unknown')).toBeUndefined();
  expect(await lengths('GET', '/')).toBe('1234');
  expect(await lengths('GET', '/none')).toBeUndefined();
  expect(await lengths('GET', '/empty')).toBe('0');
});

it('hands a request on as it is, but for the headers of its connection', async () => {
  const { url } = await proxied((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => response.end(JSON.stringify({ method: request.method, headers: request.headers, body })));
  });
  const headers = {
    host: 'shop.example',
    cookie: 'a=1; b=2',
    connection: 'x-secret',
    'x-secret': '1',
    te: 'trailers',
    'x-kept': 'yes',
  };
  const answer = await ask(`${url}/`, { method: 'PUT', headers, body: 'two words' });
  const seen = JSON.parse(answer.body.toString()) as { method: string; headers: Record<string, string>; body: string };
  expect(seen).toMatchObject({ method: 'PUT', body: 'two words' });
  expect(seen.headers).toMatchObject({
    host: 'shop.example',
    cookie: 'a=1; b=2',
    'x-kept': 'yes',
    'content-length': '9',
  });
  expect(Object.keys(seen.headers)).not.toContain('x-secret');
  expect(Object.keys(seen.headers)).not.toContain('te');
});

it('refuses what it cannot hand on, and says no more than the status', async () => {
  const { url } = await proxied((_, response) => response.end());
  expect(await ask(url, { headers: { 'content-length': '1' }, body: 'x' })).toMatchObject({ status: 400 });
  expect(await ask(url, { headers: { 'content-length': '0' } })).toMatchObject({ status: 200 });
  const failing = await serve('failing', () => Promise.reject(new Error('a secret')));
  undoes.push(failing.close);
  const { status, body } = await ask(failing.url);
  expect([status, body.toString()]).toEqual([502, 'Bad Gateway']);
});

it('takes no body that is too large, told before or not', async () => {
  const lengths: number[] = [];
  const { url, close } = await serve('server', async (request) => {
    lengths.push((await request.text()).length);
    return new Response('well');
  });
  undoes.push(close);
  expect((await ask(url, { method: 'POST', body: 'x'.repeat(1_000_000) })).status).toBe(200);
  const told = startRequest(url, { method: 'POST', headers: { 'content-length': 1_000_001 } });
  told.flushHeaders();
  const [first] = (await once(told, 'response')) as [IncomingMessage];
  const untold = startRequest(url, { method: 'POST' });
  untold.write('x'.repeat(1_000_001)); // and no end
  const [second] = (await once(untold, 'response')) as [IncomingMessage];
  for (const sent of [told, untold]) sent.on('error', () => undefined).destroy();
  expect([first.statusCode, second.statusCode]).toEqual([413, 413]);
  expect(lengths).toEqual([1_000_000]);
});

it('begins a call before the body is there: its time bounds both', async () => {
  const { url, close } = await serve(
    'server',
    timebox(async (request: Request) => new Response(await request.text()), 200),
  );
  undoes.push(close);
  const sent = startRequest(url, { method: 'POST', headers: { 'content-length': 10 } });
  sent.write('half');
  const [{ statusCode, headers }] = (await once(sent, 'response')) as [IncomingMessage];
  sent.on('error', () => undefined).destroy();
  expect([statusCode, headers.connection]).toEqual([504, 'close']);
});

it('rejects with the reason when its caller gives up, and when the answer breaks off', async () => {
  const { url } = await proxied((request, response) => {
    if (request.url === '/half')
      response.writeHead(200, { 'content-length': 10 }).write('half', () => response.destroy());
  });
  const gone = new AbortController();
  const asked = forward(url)(new Request(`${url}/hangs`), { signal: gone.signal });
  gone.abort(new Error('enough'));
  await expect(asked).rejects.toThrow('enough');
  expect((await ask(`${url}/half`)).status).toBe(502);
});
