import { deadlineMs } from './engine.ts';
import type { Opened } from './reader.ts';
import type { Answer } from './root.ts';

/** The root answers within its deadline; a little more for the way there and back. */
const patienceMs = 2 * deadlineMs;

/** Asks the root over HTTP, as any client would. Rejects when there is no answer. */
export async function ask(root: string, query: string, k: number): Promise<Answer> {
  return (await get(root, 'search', { q: query, k: String(k) })) as Answer;
}

/** Opens a document. Rejects when there is none, or no answer. */
export async function openDocument(root: string, id: string): Promise<Opened> {
  return (await get(root, 'document', { id })) as Opened;
}

async function get(root: string, path: string, parameters: Record<string, string>): Promise<unknown> {
  const address = `${root}${path}?${new URLSearchParams(parameters).toString()}`;
  const response = await fetch(address, { signal: AbortSignal.timeout(patienceMs) });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw new Error(String((answer as { readonly error?: unknown }).error));
}
