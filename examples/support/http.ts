/** HTTP as calls: a server is made of a `Call<Request, Response>`, and `fetch` is one. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, createServer as createTlsServer, request as startRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Call } from 'holdfast/calls';
import { isDeadlineExceeded } from 'holdfast/core';

/** A server on loopback, at a port of the system's choice. */
export interface Service {
  readonly id: string;
  readonly url: string;
  /** Finishes the requests under way, then is gone. */
  readonly drain: () => Promise<void>;
  /** Gone at once. */
  readonly close: () => void;
}

/** Serves a call on loopback; with a certificate, over TLS. What rejects is a 504 when it was late, else a 502. */
export async function serve(
  id: string,
  call: Call<Request, Response>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<Service> {
  const listener = (incoming: IncomingMessage, response: ServerResponse): void => void answer(incoming, response, call);
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    id,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    drain: () =>
      new Promise((resolve) => {
        const idle = setInterval(() => server.closeIdleConnections(), 10); // those that were busy when it began, too
        server.close(() => {
          clearInterval(idle);
          resolve();
        });
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Starts services that end with an example; gives their URLs. */
export const starter =
  (defer: (undo: () => unknown) => void) =>
  async (call: Call<Request, Response>): Promise<string> => {
    const { url, close } = await serve('a service', call);
    defer(close);
    return url;
  };

/** In a request that is served: the address of whoever is at the other end, whatever they say themselves. */
export const peerHeader = 'x-peer';

async function answer(
  incoming: IncomingMessage,
  response: ServerResponse,
  call: Call<Request, Response>,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client has gone'));
  });
  try {
    const answered = await call(await requestOf(incoming), { signal: gone.signal });
    const body = Buffer.from(await answered.arrayBuffer());
    response.writeHead(answered.status, { ...headersOf(answered.headers), 'content-length': body.length }).end(body);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else response.writeHead(isDeadlineExceeded(error) ? 504 : 502).end(String(error));
  }
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const { method = 'GET', headers, url = '/' } = incoming;
  const init = { method, headers: headersOf(new Headers(headers as Record<string, string>)) };
  init.headers[peerHeader] = incoming.socket.remoteAddress ?? '';
  return new Request(`http://localhost${url}`, chunks.length === 0 ? init : { ...init, body: Buffer.concat(chunks) });
}

/** Headers of one connection only, which are not handed on. */
const hop = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
  'content-length',
  'host',
]);

function headersOf(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !hop.has(name)));
}

/** Sends a request on to a server, with some headers more. The body has been read when it resolves. */
export function forward(to: string, more: Readonly<Record<string, string>> = {}): Call<Request, Response> {
  return async (request, options) => {
    const { pathname, search } = new URL(request.url);
    const body = request.body === null ? null : await request.clone().arrayBuffer();
    const response = await fetch(`${to}${pathname}${search}`, {
      method: request.method,
      headers: { ...headersOf(request.headers), ...more },
      body,
      signal: options?.signal ?? null,
    });
    const text = await response.arrayBuffer();
    return new Response(text.byteLength === 0 ? null : text, { status: response.status, headers: response.headers });
  };
}

/** As `fetch`, of servers whose certificate is their own. */
export function fetchTrusting(
  ca: string,
): (url: string, init?: { body?: string; headers?: Record<string, string> }) => Promise<Response> {
  const agent = new Agent({ ca, keepAlive: true });
  return (url, { body, headers = {} } = {}) =>
    new Promise((resolve, reject) => {
      const sent = startRequest(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.once('error', reject).once('end', () => {
          const init = {
            status: incoming.statusCode ?? 0,
            headers: headersOf(new Headers(incoming.headers as Record<string, string>)),
          };
          resolve(new Response(Buffer.concat(chunks), init));
        });
      });
      sent.once('error', reject).end(body);
    });
}
