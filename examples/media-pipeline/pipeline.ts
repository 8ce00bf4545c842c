/** The book's event-driven batch, as one graph: filter, split, copy, shard, merge, notify. */
import { copy, each, type EachReport, filter, type Flow, map, merge, shard, split } from 'holdfast/flow';
import type { Placement, PlacementNode } from 'holdfast/hashing';
import { kindOf, type Upload } from './media.ts';

type Clip = Pick<Upload, 'name' | 'user'>;

/** Who does the work; each of them may fail. */
export interface Services {
  /** Hears of what is left out. */
  readonly drop: (upload: Upload) => void;
  readonly index: (upload: Upload) => Promise<void>;
  readonly image: (upload: Upload) => Promise<Clip>;
  readonly video: (upload: Upload) => Promise<Clip>;
  /** Puts a clip on the page of its user; one worker has all clips of a user. */
  readonly publish: (worker: string, clip: Clip) => Clip;
  readonly notify: (clip: Clip) => Promise<void>;
  /** Takes what `notify` has failed on again and again. */
  readonly giveUp: (clip: Clip, error: unknown) => void;
}

/** Resolves when the source has ended. An upload is acknowledged when all that is to come of it is done. */
export async function pipeline(
  source: Flow<Upload>,
  workers: Placement<PlacementNode>,
  services: Services,
): Promise<readonly [indexed: EachReport, notified: EachReport]> {
  const media = filter(source, (upload) => {
    const isMedia = kindOf(upload) !== undefined;
    if (!isMedia) services.drop(upload);
    return isMedia;
  });
  const { video, image } = split(media, (upload) => kindOf(upload)!, ['video', 'image']);
  const { toIndex, toTranscoder } = copy(video, ['toIndex', 'toTranscoder']);
  const clips = merge(map(toTranscoder, services.video, { concurrency: 4 }), map(image, services.image));
  const lanes = shard(clips, workers, ({ user }) => user);
  const published = Object.entries(lanes).map(([worker, lane]) => map(lane, (clip) => services.publish(worker, clip)));
  // Retries belong into a branch: what it does not acknowledge comes again from the source, to all branches.
  const retry = { attempts: 4, baseMs: 5 };
  return await Promise.all([
    each(toIndex, services.index, { retry }),
    each(merge(...published), services.notify, { retry, deadLetter: services.giveUp }),
  ]);
}
