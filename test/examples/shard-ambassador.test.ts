import { expect, test } from 'vitest';
import { limitMs, runExample } from './run-example.ts';

test(
  'no key is unreadable or stale while a fourth shard takes its part',
  async () => {
    const printed = await runExample('shard-ambassador');
    expect(printed).toMatch(/a fourth shard added under \d+ requests: \d+ \+ \d+ \+ \d+ \+ \d+$/m);
    expect(printed).toMatch(/^ok {5}0 reads found nothing; added in one step, \d{2,} keys would be unreadable$/m);
    expect(printed).toMatch(/^ok {5}0 reads found another value/m);
    expect(printed).toMatch(/^ok {5}500 keys on four shards, each once, all readable$/m);
  },
  limitMs,
);
