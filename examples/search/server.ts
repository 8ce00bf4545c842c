import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Engine } from './engine.ts';
import { statusOfExtra } from './extra-attempts.ts';
import { checkOwn, goneSignal, HttpError, listen, sendError, sendJson } from './http.ts';
import type { Lifetime } from './lifetime.ts';
import { countOf, idOf, queryOf } from './parameters.ts';
import type { Opened } from './reader.ts';
import { UnavailableError } from './unavailable.ts';
import { UserError } from './user-error.ts';

const mostAtOnce = 256;
const paths = ['/', '/search', '/document', '/status'];

/** The address of the root, and how it comes to answer there. */
export interface SearchServer {
  readonly url: string;
  /** Until then all but the page is answered with 503. */
  begin(engine: Engine): void;
}

/**
 * Takes a port on loopback, and is the root for people and programs there for the lifetime.
 *
 * | request | answer |
 * |---|---|
 * | `GET /` | the page |
 * | `GET /search?q=…&k=…` | the best `k` documents, as JSON: an `Answer` |
 * | `GET /document?id=…` | the text of a document and where it came from, as JSON: an `Opened` |
 * | `GET /status` | the analyser and its threads, indexers and who leads, leaves and their processes, what balancers and hedges have learnt of them, documents that are hot |
 *
 * 400 for a query or an id that cannot be meant; 404 for a document that there is not; 503 when no shard answers, when too many ask at once, and before it begins.
 *
 * @throws {@link UserError} when the port is not to be had
 */
export async function listenForSearches(port: number, lifetime: Lifetime): Promise<SearchServer> {
  let engine: Engine | undefined;
  const server = createSearchServer(() => engine);
  lifetime.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  try {
    const taken = await listen(server, port);
    return { url: `http://127.0.0.1:${taken}/`, begin: (open) => void (engine = open) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'is in use' : `is not to be had (${String(code)})`;
    throw new UserError(`port ${port} ${why}: --port takes another`);
  }
}

/** The server; `engine` returns undefined as long as there is nothing to search in. */
function createSearchServer(engine: () => Engine | undefined): Server {
  const page = readFileSync(new URL('./page.html', import.meta.url));
  let answering = 0;

  async function answer(url: URL, response: ServerResponse): Promise<unknown> {
    const open = engine();
    if (open === undefined) throw new HttpError(503, 'the documents are being indexed');
    if (url.pathname === '/status') return statusOf(open);
    if (answering >= mostAtOnce) throw new HttpError(503, `more than ${mostAtOnce} requests at once`);
    answering++;
    try {
      if (url.pathname === '/document') return await documentOf(open, url, response);
      return await open.root.search(queryOf(url), countOf(url), goneSignal(response));
    } catch (error) {
      throw error instanceof UnavailableError ? new HttpError(503, error.message) : error;
    } finally {
      answering--;
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.canParse(request.url ?? '', 'http://root') ? new URL(request.url!, 'http://root') : undefined;
    if (url === undefined || !paths.includes(url.pathname)) throw new HttpError(404, 'no such page');
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new HttpError(405, 'only GET is answered');
    checkOwn(request);
    if (url.pathname === '/') sendPage(response, page);
    else sendJson(response, 200, await answer(url, response));
  }

  return createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      sendError(response, error);
    });
  });
}

async function documentOf({ reader }: Engine, url: URL, response: ServerResponse): Promise<Opened> {
  const opened = await reader.open(idOf(url), goneSignal(response));
  if (opened === undefined) throw new HttpError(404, 'no such document');
  return opened;
}

function statusOf({ cluster, intake, indexers, documents, router, extra }: Engine): object {
  const hot = router.snapshot().keys.map(({ key, nodes, rate }) => ({ id: String(key), shards: nodes, rate }));
  const balancers = cluster.shards.map(({ id, replicas }) => ({ shard: id, ...replicas.stats() }));
  const learnt = { searches: statusOfExtra(extra.searches), reads: statusOfExtra(extra.reads) };
  return {
    documents: documents.length,
    analyser: intake.status,
    indexers: indexers.status(),
    leaves: cluster.status(),
    balancers,
    extraAttempts: learnt,
    hot,
  };
}

function sendPage(response: ServerResponse, page: Buffer): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': page.length,
    // All that the page needs is in it, and it asks only this server.
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  });
  response.end(page);
}
