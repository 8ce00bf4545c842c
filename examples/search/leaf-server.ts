import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Deadline } from 'holdfast/core';
import { Fence } from './fence.ts';
import { checkOwn, goneSignal, HttpError, readJson, sendError, sendJson } from './http.ts';
import { InvertedIndex } from './inverted-index.ts';
import {
  type AddAnswer,
  type AddRequest,
  type ClaimAnswer,
  type ClaimRequest,
  type CopyRequest,
  deadlineHeader,
  type DelayRequest,
  type DropRequest,
  fromWire,
  type ReadAnswer,
  type ReadRequest,
  type SearchRequest,
  toWire,
} from './protocol.ts';
import { Texts } from './texts.ts';

const bodyLimit = 16 * 1024 * 1024;

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

/** What a leaf does with the requests of `protocol.ts`. It has no documents yet. */
export function createLeafServer(): Server {
  const index = new InvertedIndex();
  const texts = new Texts();
  const fence = new Fence();
  let delayMs = 0;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    checkOwn(request);
    const deadline = deadlineOf(request);
    checkDeadline(deadline);
    switch (`${request.method ?? ''} ${request.url ?? ''}`) {
      case 'POST /claim': {
        fence.admit(((await readJson(request, bodyLimit)) as ClaimRequest).token);
        return { ids: index.ids } satisfies ClaimAnswer;
      }
      case 'POST /documents': {
        const { token, documents } = (await readJson(request, bodyLimit)) as AddRequest;
        fence.admit(token);
        for (const document of documents) {
          index.add(document);
          texts.add(document);
        }
        return { documents: index.size } satisfies AddAnswer;
      }
      case 'POST /search': {
        const { terms, statistics, k } = (await readJson(request, bodyLimit)) as SearchRequest;
        if (delayMs > 0) await sleep(delayMs, undefined, { signal: goneSignal(response) });
        checkDeadline(deadline);
        return index.search(terms, fromWire(statistics), k);
      }
      case 'POST /read': {
        const { id } = (await readJson(request, bodyLimit)) as ReadRequest;
        return { text: texts.get(id) ?? null } satisfies ReadAnswer;
      }
      case 'POST /copies': {
        const { documents } = (await readJson(request, bodyLimit)) as CopyRequest;
        for (const document of documents) texts.addCopy(document);
        return {};
      }
      case 'POST /copies/drop': {
        const { ids } = (await readJson(request, bodyLimit)) as DropRequest;
        for (const id of ids) texts.dropCopy(id);
        return {};
      }
      case 'GET /statistics':
        return toWire(index.statistics());
      case 'POST /delay':
        ({ ms: delayMs } = (await readJson(request, bodyLimit)) as DelayRequest);
        return {};
      case 'GET /health':
        return { pid: process.pid, documents: index.size, copies: texts.copies };
      default:
        throw new HttpError(404, 'no such page');
    }
  }

  return createServer((request, response) => {
    handle(request, response).then(
      (body) => {
        sendJson(response, 200, body);
      },
      (error: unknown) => {
        sendError(response, error);
      },
    );
  });
}
