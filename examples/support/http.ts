/** HTTP as calls: a server is made of a `Call<Request, Response>`, and to send a request on is one. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as startRequest,
  type RequestOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { Agent, createServer as createTlsServer, request as startTlsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
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

/** The largest body that a server takes, in bytes. */
const limitBytes = 1_000_000;

/** Why a request is refused by a status: the client's fault. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(STATUS_CODES[status]);
    this.status = status;
  }
}

/**
 * Serves a call on loopback; with a certificate, over TLS. What rejects is a 504 when it was late, else a 502. The call begins
 * before the request's body is there: whatever bounds the call bounds that, too. One that is too large is a 413.
 */
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
    const answered = await call(requestOf(incoming), { signal: gone.signal });
    const body = Buffer.from(await answered.arrayBuffer());
    for (const [name, value] of answered.headers) if (!hop.has(name)) response.appendHeader(name, value);
    // An answer without a body may tell the length that it would have: it is its own, and not that of nothing.
    if (body.length > 0) response.setHeader('content-length', body.length);
    finish(answered.status, body);
  } catch (error) {
    for (const name of response.getHeaderNames()) response.removeHeader(name);
    finish(error instanceof Refused ? error.status : isDeadlineExceeded(error) ? 504 : 502);
  }

  function finish(status: number, body?: Buffer): void {
    if (response.headersSent) return void response.destroy();
    if (!incoming.complete) response.setHeader('connection', 'close'); // nobody waits for the rest of its body
    response.statusCode = status;
    response.end(body ?? STATUS_CODES[status]);
  }
}

/** A request as the call gets it; its body comes as it is read. */
function requestOf(incoming: IncomingMessage): Request {
  const { method = 'GET', url = '/' } = incoming;
  const headers = headersOf(incoming.headers);
  headers.set(peerHeader, incoming.socket.remoteAddress ?? '');
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = incoming.headers;
  if (Number(length) > limitBytes) throw new Refused(413);
  const hasBody = length !== '0' || encoding !== undefined;
  try {
    const body = hasBody ? ReadableStream.from(limited(incoming)) : null;
    return new Request(`http://localhost${url}`, { method, headers, body, duplex: 'half' });
  } catch {
    throw new Refused(400); // what is no request here: a GET with a body, TRACE, an address without a path
  }
}

async function* limited(incoming: IncomingMessage): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limitBytes) throw new Refused(413);
    yield chunk;
  }
}

/** Headers of one connection only, which are not handed on; and `expect`, which the server has met already. */
const hop = new Set([
  ...['connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'expect'],
]);

/** What is for the other end, not for this connection. Each `Set-Cookie` stays one by itself. */
function headersOf(incoming: IncomingHttpHeaders): Headers {
  const named = (incoming.connection ?? '').toLowerCase().split(/[\s,]+/);
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming))
    if (!hop.has(name) && !named.includes(name)) for (const one of [value ?? []].flat()) headers.append(name, one);
  return headers;
}

/**
 * Sends a request on to a server as it is, with some headers more, and hands its answer back as it is: redirects are for the
 * client to follow, what is compressed stays so. Both bodies have been read when it resolves.
 */
export function forward(to: string, more: Readonly<Record<string, string>> = {}): Call<Request, Response> {
  return async (request, options) => {
    const { pathname, search } = new URL(request.url);
    const body = request.body === null ? undefined : Buffer.from(await request.clone().arrayBuffer());
    const headers = { ...Object.fromEntries(request.headers), ...more };
    delete headers['content-length']; // as much as there is
    const { method } = request;
    return await exchange(
      startRequest,
      `${to}${pathname}${search}`,
      { method, headers, signal: options?.signal },
      body,
    );
  };
}

/** A call whose failures reject, so that whoever sends by it learns of them. 404 is an answer, 500 and more is none. */
export const failing =
  (call: Call<Request, Response>): Call<Request, Response> =>
  async (request, options) => {
    const response = await call(request, options);
    if (response.status >= 500) throw new Error(`${request.method} ${request.url}: ${response.status}`);
    return response;
  };

/** A cache of what `GET` was answered with 200: as many as it has room for, those asked for last. It knows nothing of `Vary`. */
export class Pages {
  readonly #pages = new Map<string, { readonly body: ArrayBuffer; readonly headers: Headers }>(); // by their last use
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** What is kept; undefined: nothing, or not to be asked here. */
  get(key: string, { method }: Request): Response | undefined {
    const page = method === 'GET' ? this.#pages.get(key) : undefined;
    if (page === undefined) return undefined;
    this.#pages.delete(key);
    this.#pages.set(key, page);
    return new Response(page.body, page);
  }

  /** Keeps an answer when it is one to keep, and hands it on. What sets a cookie is for one visitor. */
  async keep(key: string, { method }: Request, answer: Response): Promise<Response> {
    if (method !== 'GET' || answer.status !== 200 || answer.headers.has('set-cookie')) return answer;
    const { headers } = answer;
    const body = await answer.arrayBuffer();
    this.#pages.set(key, { body, headers });
    if (this.#pages.size > this.#capacity) this.#pages.delete(this.#pages.keys().next().value!);
    return new Response(body, { headers });
  }
}

/** One request and its whole answer. */
async function exchange(
  start: typeof startRequest,
  url: string,
  options: RequestOptions,
  body?: Buffer | string,
): Promise<Response> {
  try {
    const sent = start(url, options).on('error', () => undefined); // whoever waits has it from `once`, or from the answer
    const [incoming] = (await once(sent.end(body), 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const init = { status: incoming.statusCode ?? 0, headers: headersOf(incoming.headers) };
    return new Response(chunks.length === 0 ? null : Buffer.concat(chunks), init);
  } catch (error) {
    options.signal?.throwIfAborted(); // then that is why
    throw error;
  }
}

/** As `fetch`, of servers whose certificate is their own. */
export function fetchTrusting(
  ca: string,
): (url: string, init?: { body?: string; headers?: Record<string, string> }) => Promise<Response> {
  const agent = new Agent({ ca, keepAlive: true });
  return (url, { body, headers = {} } = {}) =>
    exchange(startTlsRequest, url, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, body);
}
