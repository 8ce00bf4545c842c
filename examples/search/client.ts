import { deadlineMs } from './engine.ts';
import type { Answer } from './root.ts';

/** The root answers within its deadline; a little more for the way there and back. */
const patienceMs = 2 * deadlineMs;

/** Asks the root over HTTP, as any client would. Rejects when there is no answer. */
export async function ask(root: string, query: string, k: number): Promise<Answer> {
  const parameters = new URLSearchParams({ q: query, k: String(k) });
  const response = await fetch(`${root}search?${parameters.toString()}`, { signal: AbortSignal.timeout(patienceMs) });
  const answer: unknown = await response.json();
  if (response.ok) return answer as Answer;
  throw new Error(String((answer as { readonly error?: unknown }).error));
}
