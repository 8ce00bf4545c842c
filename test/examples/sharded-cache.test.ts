import { afterEach, expect, it, test } from 'vitest';
import { Cache } from '../../examples/sharded-cache/cache.ts';
import { serve } from '../../examples/support/http.ts';

import { limitMs, runExample } from './run-example.ts';

test(
  'sharding finds more pages in the caches, and the hot one loads no cache alone',
  async () => {
    const printed = await runExample('sharded-cache');
    for (const name of ['each cache for all pages', 'sharded by page', 'the hot page spread'])
      expect(printed).toMatch(new RegExp(`^${name} +\\d+\\.\\d % hits, \\d+ of 400 requests reach the origin`, 'm'));
    expect(printed).toMatch(/^ok {5}spread: .*\/page\?id=0 on [234] caches/m);
    expect(printed).toMatch(/^ok {5}and the hit rate stays$/m);
  },
  limitMs,
);

const undoes: (() => void)[] = [];
afterEach(() => undoes.splice(0).forEach((undo) => undo()));

it('keeps pages, and no error, no answer to another method, nothing that sets a cookie', async () => {
  let [asked, status, cookie] = [0, 200, false];
  const origin = await serve('origin', async (request) => {
    const headers = new Headers({ 'content-type': 'text/x' });
    if (cookie) headers.set('set-cookie', 'a=1');
    return new Response(`${request.method} ${++asked}`, { status, headers });
  });
  undoes.push(origin.close);
  const cache = new Cache(2, origin);
  const get = async (path: string, method = 'GET'): Promise<string> => {
    const response = await cache.serve(new Request(`http://x/${path}`, { method })).catch(() => undefined);
    return response === undefined ? 'failed' : `${response.status} ${await response.text()}`;
  };
  status = 500;
  expect(await get('a')).toBe('failed');
  status = 404;
  expect(await get('a')).toBe('404 GET 2');
  status = 200;
  cookie = true;
  expect(await get('a')).toBe('200 GET 3');
  cookie = false;
  expect(await get('a')).toBe('200 GET 4');
  expect(await get('a')).toBe('200 GET 4');
  expect(await get('a', 'POST')).toBe('200 POST 5'); // neither answered of what is kept, nor kept
  expect(await get('a?utm_source=x')).toBe('200 GET 4');
  const { headers } = await cache.serve(new Request('http://x/a'));
  expect(headers.get('content-type')).toBe('text/x');
  await get('b');
  await get('a');
  await get('c'); // there is room for two: b goes, which was asked for before a
  expect(await get('a')).toBe('200 GET 4');
  expect(await get('b')).toBe('200 GET 8');
});
