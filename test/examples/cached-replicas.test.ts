import { expect, test } from 'vitest';
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
