import { expect, test } from 'vitest';
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
