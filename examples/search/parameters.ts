/** What is asked for in the address of a request. Each throws an `HttpError` 400 for what cannot be meant. */
import { HttpError } from './http.ts';
import { checkQuery } from './words.ts';

const hits = { usual: 10, most: 100 };
/** As long as a path can be anywhere. */
const longestId = 4_096;

export function queryOf({ searchParams }: URL): string {
  const query = searchParams.get('q') ?? '';
  try {
    checkQuery(query);
  } catch (error) {
    throw new HttpError(400, (error as Error).message);
  }
  return query;
}

export function countOf({ searchParams }: URL): number {
  const text = searchParams.get('k') ?? String(hits.usual);
  const k = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (k < 1 || k > hits.most) throw new HttpError(400, `k must be a number from 1 to ${hits.most}`);
  return k;
}

export function idOf({ searchParams }: URL): string {
  const id = searchParams.get('id') ?? '';
  if (id === '' || id.length > longestId) throw new HttpError(400, `id must have 1 to ${longestId} characters`);
  return id;
}
