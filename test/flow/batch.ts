/*
 * The book's batch of chapter 12 in virtual time, with faults: photos come from a queue, are blurred by several workers, joined
 * by batch, copied to those who delete the originals and to those who tag what is seen, and counted.
 */
import type { Runtime } from 'holdfast/core';
import {
  all,
  barrier,
  copy,
  each,
  expand,
  flow,
  FlowEvents,
  histogram,
  map,
  merge,
  reduce,
  shard,
} from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { WorkQueue } from 'holdfast/queue';
import { seededRandom, VirtualClock } from 'holdfast/testing';

interface Photo {
  readonly id: string;
  readonly batch: string;
  readonly of: number;
}

interface Car {
  readonly kind: string;
  readonly colour: string;
}

const kinds = ['car', 'truck', 'bus'];
const colours = ['red', 'white', 'black', 'blue'];

const photos = Array.from({ length: 60 }, (_, i) => ({
  id: `photo-${String(i)}`,
  batch: `batch-${String(i % 6)}`,
  of: 10,
}));

/** What the camera saw: the same whenever it is asked. */
function carsOn({ id }: Photo): Car[] {
  const random = seededRandom(id);
  return Array.from({ length: Math.floor(random() * 4) }, () => ({
    kind: kinds[Math.floor(random() * 3)]!,
    colour: colours[Math.floor(random() * 4)]!,
  }));
}

/** What is to come out, whatever goes wrong. */
export function expected(): { readonly vehicles: Record<string, number>; readonly colours: Record<string, number> } {
  const tally = (of: (car: Car) => string): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const car of photos.flatMap(carsOn)) counts[of(car)] = (counts[of(car)] ?? 0) + 1;
    return counts;
  };
  return { vehicles: tally(({ kind }) => kind), colours: tally(({ colour }) => colour) };
}

export interface BatchRun {
  readonly log: readonly string[];
  /** Photos whose original was deleted, each as often as it was. */
  readonly erased: readonly string[];
  /** Of each batch what was seen, the newest tags of the batch: the sink upserts. */
  readonly tags: ReadonlyMap<
    string,
    { readonly vehicles: ReadonlyMap<string, number>; readonly colours: ReadonlyMap<string, number> }
  >;
  readonly dead: number;
  readonly done: number;
}

/** Runs the batch until its queue is empty; one call in so many fails, and some are slow. */
export async function tagPhotos(seed: number, oneIn: number): Promise<BatchRun> {
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  const runtime: Runtime = { clock, random: random.stream('runtime') };
  const faults = random.stream('faults');
  const log: string[] = [];
  const note = (text: string): void => void log.push(`${clock.now().toFixed(3)} ${text}`);
  const work = async (what: string, ms: number): Promise<void> => {
    await clock.sleep(ms * (0.5 + faults()));
    if (faults() * oneIn < 1) {
      note(`${what} failed`);
      throw new Error(`${what} failed`);
    }
    note(what);
  };

  const queue = new WorkQueue<Photo>(undefined, {
    budget: false,
    runtime,
    retry: { attempts: 100, backoff: { baseMs: 5, maxMs: 50 } },
  });
  for (const photo of photos) await queue.add(photo, { id: photo.id });
  const events = new FlowEvents();
  for (const name of ['failed', 'late', 'stalled'] as const)
    events.on(name, (event) => note(`${name} ${JSON.stringify(event)}`));
  const erased: string[] = [];
  const tags = new Map<string, { vehicles: ReadonlyMap<string, number>; colours: ReadonlyMap<string, number> }>();

  const workers = ['w0', 'w1', 'w2'];
  const lanes = shard(queue.consume(), new Rendezvous(workers), ({ id }) => id, workers, {
    buffer: 64,
    events,
    runtime,
  });
  const blurred = merge(
    ...workers.map((name) =>
      map(
        lanes[name]!,
        async (photo) => {
          await work(`blur ${photo.id}`, 20);
          return photo;
        },
        { concurrency: 2, events },
      ),
    ),
    { runtime },
  );
  const whole = barrier(blurred, {
    key: ({ batch }) => batch,
    part: ({ id }) => id,
    expect: ({ of }) => of,
    timeoutMs: 600_000,
    events,
    runtime,
  });
  const { erase, tag } = copy(whole, ['erase', 'tag'], { events, runtime });
  const controller = new AbortController();
  const erasing = each(
    erase,
    async ({ key, parts }) => {
      await work(`erase ${key}`, 5);
      for (const { id } of parts.values()) erased.push(id);
    },
    { retry: { attempts: 50 }, signal: controller.signal, runtime },
  );
  const tagging = each(
    tag,
    async ({ key, parts }) => {
      // Each set is tagged by a flow of its own, so that its tags are of this set and of no other.
      const cars = map(
        expand(flow([...parts.values()], { runtime }), carsOn, { runtime }),
        async (car) => {
          await clock.sleep(1);
          return car;
        },
        { concurrency: 4 },
      );
      const counted = reduce(
        cars,
        all({ vehicles: histogram((car: Car) => car.kind), colours: histogram((car: Car) => car.colour) }),
      );
      await each(counted, (result) => tags.set(key, result), { runtime });
      await work(`tag ${key}`, 10);
    },
    { retry: { attempts: 50 }, signal: controller.signal, concurrency: 2, runtime },
  );
  const ended = Promise.allSettled([erasing, tagging]);
  while (queue.stats().done < photos.length && clock.now() < 1_000_000) await clock.advance(50);
  controller.abort(new Error('done'));
  await clock.advance(60_000);
  await ended;
  const { done, dead } = queue.stats();
  await queue.close({ graceMs: 0 });
  return { log, erased, tags, done, dead };
}
