/**
 * A leaf: one replica of one shard, a process of its own that serves HTTP on loopback. Started by `leaf-process.ts`, which
 * it tells its port; it lives as long as the channel to its parent, so it never outlives it, however the parent ends.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from 'holdfast/core';
import { checkOwn, goneSignal, HttpError, listen, readJson, sendError, sendJson } from './http.ts';
import { InvertedIndex } from './inverted-index.ts';
import {
  type AddRequest,
  deadlineHeader,
  type DelayRequest,
  fromWire,
  type Listening,
  type SearchRequest,
  toWire,
} from './protocol.ts';

const bodyLimit = 16 * 1024 * 1024;
const index = new InvertedIndex();
let delayMs = 0;

/** Work that nobody waits for any more is not done. */
function checkDeadline(deadline: Deadline): void {
  if (deadline.expired) throw new HttpError(504, 'the deadline has passed');
}

function deadlineOf(request: IncomingMessage): Deadline {
  const header = request.headers[deadlineHeader];
  if (header === undefined) return Deadline.never;
  try {
    return Deadline.fromHeader(String(header));
  } catch (error) {
    throw new HttpError(400, (error as Error).message);
  }
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  checkOwn(request);
  const deadline = deadlineOf(request);
  checkDeadline(deadline);
  switch (`${request.method ?? ''} ${request.url ?? ''}`) {
    case 'POST /documents': {
      const { documents } = (await readJson(request, bodyLimit)) as AddRequest;
      for (const document of documents) index.add(document);
      return {};
    }
    case 'POST /search': {
      const { terms, statistics, k } = (await readJson(request, bodyLimit)) as SearchRequest;
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: goneSignal(response) });
      checkDeadline(deadline);
      return index.search(terms, fromWire(statistics), k);
    }
    case 'GET /statistics':
      return toWire(index.statistics());
    case 'POST /delay':
      ({ ms: delayMs } = (await readJson(request, bodyLimit)) as DelayRequest);
      return {};
    case 'GET /health':
      return { pid: process.pid, documents: index.size };
    default:
      throw new HttpError(404, 'no such page');
  }
}

const server = createServer((request, response) => {
  handle(request, response).then(
    (body) => {
      sendJson(response, 200, body);
    },
    (error: unknown) => {
      sendError(response, error);
    },
  );
});
// The client closes idle connections: were it this side, a request could meet a connection that is just being closed.
server.keepAliveTimeout = 60_000;

process.once('disconnect', () => process.exit());
// Ctrl-C reaches the whole group of processes; when to end is the parent's to say.
process.on('SIGINT', () => undefined);

if (process.connected) process.send?.({ port: await listen(server, 0) } satisfies Listening);
