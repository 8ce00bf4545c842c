import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer other than 200, with its reason. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Listens on loopback. Resolves with the port, rejects when it is not to be had. */
export function listen(server: Server, port: number): Promise<number> {
  // The client closes idle connections: were it this side, a request could meet a connection that is just being closed.
  server.keepAliveTimeout = 60_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  // The client may have gone: then there is nobody to tell.
  if (response.destroyed || response.headersSent) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

/** Tells the client why there is no answer. What is not a {@link HttpError} is a fault of ours. */
export function sendError(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  sendJson(response, error instanceof HttpError ? error.status : 500, { error: message });
}

const loopback = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?$/i;

/**
 * Refuses what a page of another site could make a browser send: a name that was made to lead here, or a body in a form
 * that needs no leave.
 */
export function checkOwn({ headers, method }: IncomingMessage): void {
  if (!loopback.test(headers.host ?? '')) throw new HttpError(421, 'this server answers to a loopback address only');
  if (method === 'POST' && headers['content-type'] !== 'application/json')
    throw new HttpError(415, 'the body must be JSON');
}

/** The JSON body of a request of at most `limit` bytes. */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw new HttpError(413, `a body of more than ${limit} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
}

/** Aborts when the client has gone before its answer was sent. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the client has gone'));
  });
  return gone.signal;
}
