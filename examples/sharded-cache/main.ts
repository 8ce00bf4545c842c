/** Four caches before an origin: each for all pages, then each for its own pages, then the hot page on several of them. */
import { replicate, roundRobin } from 'holdfast/balancing';
import type { Call } from 'holdfast/calls';
import { Rendezvous } from 'holdfast/hashing';
import { shard, ShardRouter } from 'holdfast/sharding';
import { seededRandom } from 'holdfast/testing';
import { count, example, percent } from '../support/example.ts';
import { failing, forward, serve, type Service } from '../support/http.ts';
import { Cache, pageOf } from './cache.ts';

const [pages, capacity, warmUp, requests] = [150, 52, 300, 400];

/** What a run has measured, after its warm-up. */
interface Measured {
  readonly hitRate: number;
  readonly origin: number;
  readonly busiest: number;
  readonly perSecond: number;
}

await example(async ({ say, check, defer }) => {
  let asked = 0;
  const origin = await serve('origin', async (request) => {
    asked++;
    return new Response(`the page ${pageOf(request.url)}`);
  });
  defer(origin.close);

  /** Sends the same requests through four fresh caches, by the route that is made of them. */
  const measure = async (
    name: string,
    route: (caches: readonly Service[]) => Call<Request, Response>,
  ): Promise<Measured> => {
    const caches = Array.from({ length: 4 }, () => new Cache(capacity, origin));
    const servers = await Promise.all(caches.map((cache, i) => serve(`cache-${i + 1}`, cache.serve)));
    const send = route(servers);
    const random = seededRandom('visitors');
    const visit = async (): Promise<void> => {
      const id = random() < 0.3 ? 0 : Math.floor(random() * pages); // one page is in the news
      const url = `http://shop/page?id=${id}&utm_source=${random()}`;
      const body = await (await send(new Request(url), { deadline: 10_000 })).text();
      if (body !== `the page /page?id=${id}`) throw new Error(`${url}: ${body}`);
    };
    const visits = async (times: number): Promise<void> => {
      let left = times;
      const client = async (): Promise<void> => {
        while (left-- > 0) await visit();
      };
      await Promise.all([client(), client(), client(), client()]);
    };
    await visits(warmUp);
    const before = caches.map((cache) => ({ hits: cache.hits, requests: cache.requests }));
    const [askedBefore, startedMs] = [asked, performance.now()];
    await visits(requests);
    const perSecond = (1_000 * requests) / (performance.now() - startedMs);
    const hits = caches.reduce((sum, cache, i) => sum + cache.hits - before[i]!.hits, 0);
    const busiest = Math.max(...caches.map((cache, i) => cache.requests - before[i]!.requests)) / requests;
    for (const server of servers) server.close();
    const measured = { hitRate: hits / requests, origin: asked - askedBefore, busiest, perSecond };
    say(
      `${name.padEnd(24)} ${percent(measured.hitRate)} hits, ${count(measured.origin)} of ${count(requests)} requests reach ` +
        `the origin, the busiest cache has ${percent(busiest)} of them`,
    );
    return measured;
  };

  const each = await measure('each cache for all pages', (caches) =>
    replicate(caches, ({ url }) => failing(forward(url)), { cost: roundRobin() }),
  );
  const byPage = (
    caches: readonly Service[],
    targetRate: number,
  ): { router: ShardRouter<Service>; call: Call<Request, Response> } => {
    const router = new ShardRouter(new Rendezvous(caches), {
      replication: { targetRate, max: 4, coolDownMs: 5_000 },
      detector: { windowMs: 200 },
    });
    const call = shard(router, {
      key: (request: Request) => pageOf(request.url),
      call: ({ url }) => failing(forward(url)),
      onDown: 'next',
    });
    return { router, call };
  };
  const sharded = await measure('sharded by page', (caches) => byPage(caches, 1e9).call); // nothing is hot
  let router: ShardRouter<Service> | undefined;
  const spread = await measure('the hot page spread', (caches) => {
    const routed = byPage(caches, sharded.perSecond / 40);
    router = routed.router;
    return routed.call;
  });
  const hot = router!.snapshot().keys.map(({ key, nodes }) => `${String(key)} on ${nodes.length} caches`);

  check(sharded.hitRate > each.hitRate + 0.1, 'sharded by page, the same memory holds more pages');
  check(sharded.origin < each.origin / 2, `the origin gets ${percent(1 - sharded.origin / each.origin)} less`);
  check(hot.length > 0 && spread.busiest < 0.8 * sharded.busiest, `spread: ${hot.join(', ')}; the busiest has less`);
  check(spread.hitRate > each.hitRate + 0.1, 'and the hit rate stays');
});
