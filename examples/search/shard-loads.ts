/** How many reads came to each of the shards; `reads` names the shard of each. */
export function countByShard(shards: readonly string[], reads: readonly string[]): number[] {
  return shards.map((shard) => reads.filter((read) => read === shard).length);
}

/** The busiest shard's load over the mean: 1 when it is even, as many as there are shards when one has it all. */
export function peakToMean(loads: readonly number[]): number {
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  return Math.max(...loads) / mean;
}
