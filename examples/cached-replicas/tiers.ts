/** What the three tiers are made of: replicas of a dictionary, caches before them, and what terminates TLS before those. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadBalancer } from 'holdfast/balancing';
import type { Call } from 'holdfast/calls';
import type { Rendezvous } from 'holdfast/hashing';
import type { Certificate } from '../support/certificate.ts';
import { failing, forward, Pages, serve, type Service } from '../support/http.ts';

/** Servers of one kind, told to whoever sends to them; and how many requests each has had. */
export class Tier {
  readonly requests = new Map<Service, number>();
  /** Requests to a server that was not ready yet, or had left. */
  untimely = 0;
  readonly #members: (servers: readonly Service[]) => void;

  constructor(members: (servers: readonly Service[]) => void) {
    this.#members = members;
  }

  /** Starts one more, and has requests sent to it when it is ready: alive is not ready. */
  async add(id: string, call: Call<Request, Response>, tls?: Certificate): Promise<Service> {
    const counted: Call<Request, Response> = (request, options) => {
      const requests = this.requests.get(server);
      if (requests !== undefined) this.requests.set(server, requests + Number(!request.url.endsWith('/readyz')));
      else if (!request.url.endsWith('/readyz')) this.untimely++;
      return call(request, options);
    };
    const server = await serve(id, counted, tls);
    while (id.startsWith('replica') && !(await isReady(server))) await sleep(10);
    this.requests.set(server, 0);
    this.#members([...this.requests.keys()]);
    return server;
  }

  remove(server: Service): void {
    this.requests.delete(server);
    this.#members([...this.requests.keys()]);
  }
}

export const isReady = async ({ url }: Service): Promise<boolean> => (await fetch(`${url}/readyz`)).ok;

/** A stateless replica: answers, and says whether it is ready. */
export const replica =
  (id: string, ready: ReadonlySet<string>): Call<Request, Response> =>
  async (request) => {
    const word = new URL(request.url).pathname.slice(1);
    if (word === 'readyz') return new Response(null, { status: ready.has(id) ? 200 : 503 });
    await sleep(5);
    return new Response(`${word}: a word`);
  };

/** Keeps what it has asked of a replica. One that fails is the balancer's to know of, and is not kept. */
export function cache(replicas: LoadBalancer<Service>, capacity = 1_000): Call<Request, Response> {
  const kept = new Pages(capacity);
  return async (request, options) => {
    const ask = ({ url }: Service, attempt: { signal: AbortSignal }): Promise<Response> =>
      failing(forward(url))(request, attempt);
    const known = kept.get(request.url, request);
    return known ?? (await kept.keep(request.url, request, await replicas.run(ask, { ...options, deadline: 10_000 })));
  };
}

/** Terminates TLS, and asks the cache that keeps the URL. */
export const terminator =
  (caches: () => Rendezvous<Service>): Call<Request, Response> =>
  (request, options) =>
    forward(caches().get(new URL(request.url).pathname)!.url, { 'x-forwarded-proto': 'https' })(request, options);
