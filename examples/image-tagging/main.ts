/** Photos are blurred and tagged by worker processes, joined by batch, and counted. One worker is killed on the way. */
import { barrier, copy, each, expand, flow, map, merge, reduce, shard } from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { isWorkerLost, WorkQueue } from 'holdfast/queue';
import { ProcessPool } from 'holdfast/queue/processes';
import { example } from '../support/example.ts';
import { blur, detect, isPersonal, type Photo, statistics, street, type Tagged } from './photos.ts';

const [batches, size, fatal] = [6, 16, 'photo-50'];
const names = ['worker-1', 'worker-2', 'worker-3'] as const;

type Statistics = ReturnType<typeof statistics.empty>;
const inWords = ({ vehicles, kinds, colours }: Statistics): string => {
  const list = (of: ReadonlyMap<string, number>): string =>
    [...of]
      .sort()
      .map(([name, n]) => `${n} ${name}`)
      .join(', ');
  return `${vehicles} vehicles: ${list(kinds)}; ${list(colours)}`;
};

await example(async ({ say, check, defer }) => {
  const photos = street(batches, size);
  const originals = new Map(photos.map((photo) => [photo.id, photo.pixels]));
  const kept = new Map<string, string>();
  let [acknowledged, lost, whole] = [0, 0, 0];

  // Each worker is one process, behind a queue that replaces it when it is lost, and gives the next one its photo.
  const workers = names.map((name) => {
    const filename = new URL('tagger-process.ts', import.meta.url);
    const worker = new WorkQueue(new ProcessPool<Photo, Tagged>({ filename, args: [fatal] }), { workers: 1 });
    defer(() => worker.close({ graceMs: 0 }));
    worker.on('retry', ({ error }) => {
      if (isWorkerLost(error)) lost++;
      say(`${name}: ${(error as Error).message}; another takes its place`);
    });
    return { name, tag: (photo: Photo) => worker.run(photo) };
  });

  const source = flow(photos, { id: ({ id }) => id, ack: () => acknowledged++ });
  const lanes = shard(source, new Rendezvous(names), ({ id }) => id, names);
  const tagged = merge(...workers.map(({ name, tag }) => map(lanes[name], tag, { concurrency: 2 })));
  const joined = barrier(tagged, {
    key: ({ batch }) => batch,
    part: ({ id }) => id,
    expect: () => size,
    timeoutMs: 60_000,
  });
  const { archive, look } = copy(joined, ['archive', 'look']);
  const vehicles = expand(look, ({ parts }) => [...parts.values()].flatMap((photo) => photo.vehicles));
  let result = statistics.empty();
  await Promise.all([
    each(archive, ({ key, parts }) => {
      for (const { id, pixels } of parts.values()) {
        kept.set(id, pixels);
        originals.delete(id);
      }
      say(`${key} is whole: ${parts.size} photos are kept blurred, and their originals erased`);
      whole++;
    }),
    each(reduce(vehicles, statistics), (counted) => void (result = counted)),
  ]);

  const seen = photos.flatMap(({ pixels }) => detect(blur(pixels)));
  const expected = seen.reduce((sum, vehicle) => statistics.add(sum, vehicle), statistics.empty());
  say(`counted  ${inWords(result)}`);
  say(`expected ${inWords(expected)}`);
  check(inWords(result) === inWords(expected), 'the same as when nothing fails');
  check(lost === 1, `${lost} worker was lost, and ${acknowledged} of ${photos.length} photos are acknowledged`);
  check(acknowledged === photos.length && whole === batches, `${whole} of ${batches} batches were joined, each once`);
  const personal = [...kept.values()].filter(isPersonal).length;
  check(kept.size === photos.length && personal === 0, `${personal} of ${kept.size} photos show a face or a plate`);
  check(originals.size === 0, `${originals.size} originals are left`);
});
