/** A cache server before an origin: keeps the pages asked for last. */
import type { Call } from 'holdfast/calls';
import { forward, type Service } from '../support/http.ts';

/** What tells one page from another: not the whole URL, for the parameters that track a visitor change nothing. */
export function pageOf(url: string): string {
  const { pathname, searchParams } = new URL(url);
  const meaningful = [...searchParams].filter(([name]) => !name.startsWith('utm_')).sort();
  return `${pathname}?${new URLSearchParams(meaningful).toString()}`;
}

export class Cache {
  readonly #pages = new Map<string, string>(); // in the order of their last use
  readonly #capacity: number;
  readonly #origin: Call<Request, Response>;
  requests = 0;
  hits = 0;

  constructor(capacity: number, origin: Service) {
    this.#capacity = capacity;
    this.#origin = forward(origin.url);
  }

  readonly serve: Call<Request, Response> = async (request, options) => {
    const page = pageOf(request.url);
    this.requests++;
    const kept = this.#pages.get(page);
    if (kept !== undefined) this.hits++;
    const body = kept ?? (await (await this.#origin(request, options)).text());
    this.#pages.delete(page);
    this.#pages.set(page, body);
    if (this.#pages.size > this.#capacity) this.#pages.delete(this.#pages.keys().next().value!);
    return new Response(body);
  };
}
