/** Placement is public API: who owns which of 10,000 keys. A difference here is a new major version, not a new file. */
import { readFileSync, writeFileSync } from 'node:fs';
import { HashRing, jumpHash, Maglev, type Placement, Rendezvous, sipHash13, SlotTable } from 'holdfast/hashing';
import { describe, expect, it } from 'vitest';

const equal = Array.from({ length: 16 }, (_, i) => `node-${String(i)}`);
const weighted = equal.map((id, i) => ({ id, weight: (i % 5) + 0.25 }));
const seed = 0x0123_4567_89ab_cdefn;
const hasher = sipHash13([1, 2, 3, 4]);

const number = (placement: Placement<{ id: string }>, key: string): number =>
  Number(placement.get(key)!.id.slice('node-'.length));

function expectGolden(file: string, bucketOf: (key: string) => number): void {
  const owners = Array.from({ length: 10_000 }, (_, i) => bucketOf(`key:${String(i)}`).toString(16)).join('');
  const url = new URL(`golden/${file}.txt`, import.meta.url);
  if (process.env['UPDATE_GOLDEN'] === 'new-major-version') writeFileSync(url, owners.replace(/.{100}/g, '$&\n'));
  expect(owners).toBe(readFileSync(url, 'utf8').replaceAll('\n', ''));
}

describe('10,000 keys are placed as they always were', () => {
  it.each<[string, () => Placement<{ id: string }>]>([
    ['rendezvous-1-equal', () => new Rendezvous(equal)],
    ['rendezvous-1-weighted', () => new Rendezvous(weighted)],
    ['rendezvous-1-seeded', () => new Rendezvous(equal, { seed })],
    ['rendezvous-1-siphash13', () => new Rendezvous(equal, { seed, hasher })],
    ['ring-1-equal', () => new HashRing(equal)],
    ['ring-1-weighted', () => new HashRing(weighted, { vnodes: 100 })],
    ['ring-1-seeded', () => new HashRing(equal, { seed })],
    ['ring-1-envoy', () => new HashRing(weighted, { compat: 'envoy' })],
    ['ring-1-ketama', () => new HashRing(weighted, { compat: 'ketama' })],
    ['maglev-1-equal', () => new Maglev(equal)],
    ['maglev-1-weighted', () => new Maglev(weighted, { tableSize: 2411 })],
    ['maglev-1-seeded', () => new Maglev(equal, { seed })],
    ['slots-1-equal', () => new SlotTable(equal)],
    ['slots-1-weighted', () => new SlotTable(weighted, { slots: 16_384 })],
    ['slots-1-seeded', () => new SlotTable(equal, { seed })],
    ['slots-1-redis', () => new SlotTable(equal, { compat: 'redis' })],
  ])('%s', (file, make) => {
    const placement = make();
    expectGolden(file, (key) => number(placement, key));
  });

  it('jump-1', () => {
    expectGolden('jump-1', (key) => jumpHash(key, 16));
  });
});
