/** What is uploaded, and what it is: told by its first bytes, for a file's name is whatever its owner has called it. */
import { seededRandom } from 'holdfast/testing';

export interface Upload {
  readonly user: string;
  readonly name: string;
  readonly bytes: Buffer;
}

/** How files of each kind begin, in hexadecimal; the first that fits counts. */
const beginnings = [
  ['image', /^ffd8ff/], // JPEG
  ['image', /^89504e470d0a1a0a/], // PNG
  ['image', /^47494638(?:37|39)61/], // GIF87a, GIF89a
  ['image', /^52494646.{8}57454250/], // RIFF with WEBP; a RIFF may as well be a sound
  ['image', /^.{8}66747970(?:61766966|68656963|6d696631)/], // ftyp with avif, heic, mif1, in the container of MP4
  ['video', /^.{8}66747970/], // ftyp with another brand: MP4, QuickTime
  ['video', /^1a45dfa3/], // WebM, Matroska
] as const;

export function kindOf({ bytes }: Pick<Upload, 'bytes'>): 'image' | 'video' | undefined {
  const first = bytes.toString('hex', 0, 12);
  return beginnings.find(([, pattern]) => pattern.test(first))?.[0];
}

/** First bytes and a name that goes with them, or does not. */
const files = [
  ['ffd8ffe000104a4649460001', 'beach.jpg'],
  ['89504e470d0a1a0a0000000d', 'screen.png'],
  ['000000186674797061766966', 'cat.mp4'], // an AVIF, whatever its name says
  ['000000186674797069736f6d', 'party.mp4'],
  ['1a45dfa39f42868101428681', 'talk.jpg'], // a WebM
  ['255044462d312e370a25e2e3', 'invoice.jpg'], // a PDF
  ['524946462400000057415645', 'song.mp4'], // a WAV
] as const;

/** Uploads of a day: as many as wanted, the same each time. A video now and then ends before it has begun. */
export function uploads(many: number): Upload[] {
  const random = seededRandom('uploads');
  return Array.from({ length: many }, (_, i) => {
    const [first, name] = files[Math.floor(random() * files.length)]!;
    const rest = Buffer.alloc(random() < 0.1 ? 0 : 100 + Math.floor(1_000 * random()), i);
    const user = ['ann', 'bob', 'cat', 'dan', 'eve'][Math.floor(random() * 5)]!;
    return { user, name: `${i}-${name}`, bytes: Buffer.concat([Buffer.from(first, 'hex'), rest]) };
  });
}
