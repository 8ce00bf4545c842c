import { afterEach, expect, it, test } from 'vitest';
import { LoadBalancer } from 'holdfast/balancing';
import { cache } from '../../examples/cached-replicas/tiers.ts';
import { serve, type Service } from '../../examples/support/http.ts';

import { limitMs, runExample } from './run-example.ts';

test(
  'each tier is scaled on its own, and a replica leaves without an error',
  async () => {
    const printed = await runExample('cached-replicas');
    expect(printed).toMatch(/^a replica more +TLS \d+ \+ \d+, caches (?:\d+ \+ ){2}\d+, replicas (?:\d+ \+ ){3}\d+$/m);
    expect(printed).toMatch(/^ok {5}each tier scaled on its own, all used: 1-2-3, 2-2-3, 2-3-3, 2-3-4, 2-3-3$/m);
    expect(printed).toMatch(/^ok {5}0 requests came to a replica before or after its time$/m);
    expect(printed).toMatch(/^ok {5}0 errors in \d{3,} requests$/m);
  },
  limitMs,
);

const undoes: (() => void)[] = [];
afterEach(() => undoes.splice(0).forEach((undo) => undo()));

it('a replica that fails is known to the balancer, and its answer is not kept', async () => {
  let [asked, status] = [0, 500];
  const replica = await serve('replica', async () => new Response(`answer ${++asked}`, { status }));
  const balancer = new LoadBalancer<Service>([replica]);
  undoes.push(replica.close, () => balancer.close());
  const call = cache(balancer, 1);
  const get = async (word: string, method = 'GET'): Promise<string> =>
    await (await call(new Request(`http://x/${word}`, { method }))).text();
  await expect(get('a')).rejects.toThrow();
  expect(balancer.stats().members[0]).toMatchObject({ failedInRow: 1 });
  status = 200;
  expect(await get('a')).toBe('answer 2');
  expect(await get('a')).toBe('answer 2');
  expect(await get('a', 'POST')).toBe('answer 3');
  expect(await get('b')).toBe('answer 4');
  expect(await get('a')).toBe('answer 5'); // there is room for one
});
