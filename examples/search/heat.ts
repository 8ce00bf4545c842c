import type { ShardRouter } from 'holdfast/sharding';
import type { Shard } from './cluster.ts';
import { plural, printable } from './report.ts';

/** Tells how documents spread when they are hot, and come back when they cool. */
export function tellHeat(router: ShardRouter<Shard>, print: (line: string) => void): void {
  const name = (key: unknown): string => `“${printable(String(key))}”`;
  router.on('hot', ({ key, rate, before, replicas }) => {
    print(`${name(key)} is hot: ${formatRate(rate)}, from ${plural(before, 'shard')} to ${replicas}`);
  });
  router.on('cool', ({ key, rate, before, replicas }) => {
    print(`${name(key)} has cooled: ${formatRate(rate)}, from ${plural(before, 'shard')} to ${replicas}`);
  });
  router.on('retired', ({ key, nodes }) => {
    print(`${name(key)}: the copy on ${nodes.map(({ id }) => id).join(' and ')} is dropped`);
  });
}

const formatRate = (rate: number): string => `${rate.toFixed(0)} reads a second`;
