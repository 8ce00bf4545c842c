import { openDocument } from './client.ts';
import type { Engine } from './engine.ts';
import { runLoad, type Sample } from './load.ts';
import { formatLoad, plural, printable } from './report.ts';
import { formatSpread, judgeReads, type Read, type Reads, viralReads } from './viral-reads.ts';

const viral = { perSecond: 160, count: 400 };
const everyday = { perSecond: 20, atMost: 300 };

/** Opens one document so often that it spreads, then all documents alike until it is on its own shard only. */
export async function goViral(
  { documents, placement, router, url }: Engine,
  id: string,
  print: (line: string) => void,
  signal: AbortSignal,
): Promise<Reads> {
  const ids = documents.map((document) => document.id);
  const ownShard = (one: string): string => placement.get(one)!.id;
  const read = async (asked: string): Promise<Read> => {
    const shards = router.replicas(id).length;
    return { opened: await openDocument(url, asked), shards };
  };
  const load = async (requests: readonly string[], options: Parameters<typeof runLoad>[2]): Promise<Sample<Read>[]> => {
    const begun = performance.now();
    const samples = await runLoad(read, requests, options);
    for (const line of formatLoad('reads', samples, performance.now() - begun)) print(line);
    return samples;
  };

  print(`“${printable(id)}” is on ${ownShard(id)}; three of four reads are of it, one is of another document`);
  const peak = await load(viralReads(id, ids, viral.count), { ...viral, signal });
  const reads = peak.flatMap(({ answer }) => answer ?? []);
  for (const line of formatSpread(reads, [...placement.nodes.keys()], ownShard)) print(line);
  const late = reads.filter(({ opened }) => opened.source === 'fallback').length;
  if (late > 0) print(`${plural(late, 'read')} came before the copy: the document’s own shard answered`);

  print(`now all documents are opened alike, ${everyday.perSecond} reads a second`);
  const cold = new Promise<void>((resolve) => {
    const look = (): void => {
      if (router.write(id).length === 1) resolve();
    };
    router.on('retired', look);
    look();
  });
  const after = await load(ids, { ...everyday, count: 1, until: cold, signal });
  return judgeReads([...peak, ...after], new Map(documents.map((document) => [document.id, document.text])));
}
