/** Uploads of a day through one graph of filter, split, copy, shard and merge. Services fail on the way, and nothing is lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Rendezvous } from 'holdfast/hashing';
import { WorkQueue } from 'holdfast/queue';
import { example } from '../support/example.ts';
import { kindOf, type Upload, uploads } from './media.ts';
import { pipeline } from './pipeline.ts';

const some = (names: readonly string[]): string => `${names.length}: ${names.slice(0, 2).join(', ')}, …`;

await example(async ({ say, check }) => {
  const queue = new WorkQueue<Upload>(undefined, { retry: { attempts: 3, backoff: { baseMs: 5, maxMs: 20 } } });
  const given = uploads(120);
  for (const upload of given) await queue.add(upload, { id: upload.name });

  const [dropped, mailed, undelivered, failed] = [[], [], [], []] as [string[], string[], string[], string[]];
  const index = new Set<string>();
  const pages = new Map<string, Set<string>>();
  const calls = { index: 0, mail: 0 };
  // Stand-ins for what a service would call. The index and the mail fail now and then, one mailbox always.
  const running = pipeline(queue.consume(), new Rendezvous(['page-1', 'page-2', 'page-3']), {
    drop: ({ name }) => dropped.push(name),
    index: async ({ name }) => {
      if (++calls.index % 3 === 0) throw new Error('the index is busy');
      index.add(name); // an upload that comes again has one entry all the same
    },
    image: async ({ user, name }) => ({ user, name }),
    video: async ({ user, name, bytes }) => {
      await sleep(2);
      if (bytes.length < 100) throw new Error('moov atom not found'); // it ends before it has begun
      return { user, name };
    },
    publish: (worker, clip) => {
      pages.set(clip.user, (pages.get(clip.user) ?? new Set()).add(worker));
      return clip;
    },
    notify: async ({ user, name }) => {
      if (++calls.mail % 5 === 0 || user === 'eve') throw new Error(`the mailbox of ${user} is full`);
      mailed.push(name);
    },
    giveUp: ({ name }) => undelivered.push(name),
  });
  queue.on('dead', ({ id }) => failed.push(id));
  await queue.onIdle(); // every upload is acknowledged, or was given up
  await queue.close(); // so the source ends, and with it the pipeline
  const [indexed] = await running;

  say(`filter: no media are ${some(dropped)}`);
  say(`copy:   ${Math.floor(calls.index / 3)} of ${calls.index} calls of the index failed, and were made again`);
  say(`dead:   not transcoded are ${some(failed)}; not delivered ${some(undelivered)}`);
  const placed = [...pages].map(([user, workers]) => `${user} on ${[...workers].join(' and ')}`);
  const isApart = [...pages.values()].every(({ size }) => size === 1);
  check(isApart, `each user's clips are in one place: ${placed.join(', ')}`);
  const videos = given.filter((upload) => kindOf(upload) === 'video').length;
  check(index.size === videos, `the index has each of ${videos} videos, copied to it ${indexed.acked} times`);
  const all = [...mailed, ...dropped, ...failed, ...undelivered];
  const isSum = all.length === given.length && new Set(all).size === given.length;
  const dead = failed.length + undelivered.length;
  check(isSum, `${given.length} in = ${mailed.length} out + ${dropped.length} dropped + ${dead} dead`);
});
