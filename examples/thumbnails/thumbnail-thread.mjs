/** What a thread does with a job: it makes an image small. In JavaScript, for the threads of Node 20 know no TypeScript. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import jpeg from 'jpeg-js';

const factor = 4; // so many pixels of so many rows become one

/** Every thumbnail is whole or not there: it is written beside its place, under a name of this attempt, and then renamed. */
export default function makeThumbnail({ from, to }, { fence }) {
  const image = jpeg.decode(readFileSync(from), { tolerantDecoding: false });
  const temporary = `${to}.${fence}.tmp`;
  writeFileSync(temporary, jpeg.encode(shrink(image), 85).data, { flush: true }); // on the disk before it is acknowledged
  renameSync(temporary, to);
}

/** Each pixel of the result is the mean of a square. */
function shrink({ width, height, data }) {
  const small = { width: Math.floor(width / factor), height: Math.floor(height / factor) };
  const means = new Float64Array(4 * small.width * small.height);
  for (let y = 0; y < factor * small.height; y++)
    for (let x = 0; x < factor * small.width; x++) {
      const to = 4 * (Math.floor(y / factor) * small.width + Math.floor(x / factor));
      for (let channel = 0; channel < 4; channel++)
        means[to + channel] += data[4 * (y * width + x) + channel] / factor ** 2;
    }
  return { ...small, data: Uint8ClampedArray.from(means) };
}
