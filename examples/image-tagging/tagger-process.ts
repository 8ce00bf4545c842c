/** What a worker does, in a process of its own: it makes a photo harmless, and says what is on it. */
import type { JobContext } from 'holdfast/queue';
import { blur, detect, type Photo, type Tagged } from './photos.ts';

const [fatal] = process.argv.slice(-1);

export default function tag(photo: Photo, { crashes }: JobContext): Tagged {
  if (photo.id === fatal && crashes === 0) process.kill(process.pid, 'SIGKILL'); // for the show, and not a second time
  const pixels = blur(photo.pixels);
  return { ...photo, pixels, vehicles: detect(pixels) };
}
