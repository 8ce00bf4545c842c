/** A cache server before an origin: keeps the pages asked for last. */
import type { Call } from 'holdfast/calls';
import { failing, forward, Pages, type Service } from '../support/http.ts';

/** What tells one page from another: not the whole URL, for the parameters that track a visitor change nothing. */
export function pageOf(url: string): string {
  const { pathname, searchParams } = new URL(url);
  const meaningful = [...searchParams].filter(([name]) => !name.startsWith('utm_')).sort();
  return `${pathname}?${new URLSearchParams(meaningful).toString()}`;
}

export class Cache {
  readonly #pages: Pages;
  readonly #origin: Call<Request, Response>;
  requests = 0;
  hits = 0;

  constructor(capacity: number, origin: Service) {
    this.#pages = new Pages(capacity);
    this.#origin = failing(forward(origin.url));
  }

  readonly serve: Call<Request, Response> = async (request, options) => {
    const page = pageOf(request.url);
    this.requests++;
    const kept = this.#pages.get(page, request);
    if (kept !== undefined) this.hits++;
    return kept ?? (await this.#pages.keep(page, request, await this.#origin(request, options)));
  };
}
