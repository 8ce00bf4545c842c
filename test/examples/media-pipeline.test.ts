import fc from 'fast-check';
import { flow } from 'holdfast/flow';
import { Rendezvous } from 'holdfast/hashing';
import { expect, test } from 'vitest';
import { kindOf, uploads } from '../../examples/media-pipeline/media.ts';
import { pipeline } from '../../examples/media-pipeline/pipeline.ts';
import { runs } from '../support/properties.ts';
import { limitMs, runExample } from './run-example.ts';

test(
  'every upload comes out, is dropped by name, or is dead',
  async () => {
    const printed = await runExample('media-pipeline');
    // What fails is a function of the uploads, and these of a seed: the same in each run.
    expect(printed).toMatch(/^filter: no media are 35: \d+-(?:song\.mp4|invoice\.jpg), /m);
    expect(printed).toMatch(/^dead: {3}not transcoded are 6: .*; not delivered 15: /m);
    expect(printed).toMatch(/^ok {5}each user's clips are in one place: .*ann on page-3/m);
    expect(printed).toMatch(/^ok {5}the index has each of 31 videos, copied to it 43 times$/m);
    expect(printed).toMatch(/^ok {5}120 in = 64 out \+ 35 dropped \+ 21 dead$/m);
  },
  limitMs,
);

const of = (text: string): Buffer => Buffer.from(text, 'latin1');

test.each([
  ['image', 'JPEG', of('\xff\xd8\xff\xe0\0\x10JFIF\0')],
  ['image', 'PNG', of('\x89PNG\r\n\x1a\n\0\0\0\rIHDR')],
  ['image', 'GIF', of('GIF89a\x01\0\x01\0')],
  ['image', 'WebP', of('RIFF\x24\0\0\0WEBPVP8 ')],
  ['image', 'AVIF', of('\0\0\0\x20ftypavif\0\0\0\0')],
  ['image', 'HEIC', of('\0\0\0\x18ftypheic\0\0\0\0')],
  ['video', 'MP4', of('\0\0\0\x18ftypisom\0\0\x02\0')],
  ['video', 'QuickTime', of('\0\0\0\x14ftypqt  \0\0\0\0')],
  ['video', 'WebM', of('\x1aE\xdf\xa3\x9fB\x86\x81')],
  [undefined, 'WAV, in the container of WebP', of('RIFF\x24\0\0\0WAVEfmt ')],
  [undefined, 'PDF', of('%PDF-1.7\n')],
  [undefined, 'the beginning of a PNG', of('\x89PNG')],
  [undefined, 'a JPEG that does not begin at once', of(' \xff\xd8\xff\xe0')],
  [undefined, 'nothing', of('')],
])('%s: %s', (kind, _, bytes) => expect(kindOf({ bytes })).toBe(kind));

test('any bytes have a kind or none, whatever follows the first twelve', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (first, rest) => {
      const twelve = Buffer.concat([first, Buffer.alloc(12)]).subarray(0, 12);
      expect(kindOf({ bytes: Buffer.concat([twelve, rest]) })).toBe(kindOf({ bytes: twelve }));
    }),
    { numRuns: runs(10) },
  );
});

test('the uploads of a day are the same each time, and of all kinds', () => {
  expect(uploads(20)).toEqual(uploads(20));
  expect(new Set(uploads(120).map(kindOf))).toEqual(new Set(['image', 'video', undefined]));
});

/** Which of 20 uploads each service fails on: on its first calls of an upload, 0 to 5 of them. */
const failures = fc.array(fc.nat({ max: 5 }), { minLength: 20, maxLength: 20 });

test('whatever fails, each upload is settled once: out, dropped, dead, or given back', async () => {
  await fc.assert(
    fc.asyncProperty(failures, failures, failures, async (index, make, notify) => {
      const given = uploads(20);
      const settled = new Map<string, string[]>();
      const note = (name: string, what: string): void => void settled.set(name, [...(settled.get(name) ?? []), what]);
      const acked: string[] = [];
      const nacked: string[] = [];
      const calls = new Map<string, number>();
      const failing = (of: readonly number[], what: string, name: string): void => {
        const call = (calls.get(what + name) ?? 0) + 1;
        calls.set(what + name, call);
        if (call <= of[parseInt(name)]!) throw new Error(what);
      };
      const clip = async ({ user, name }: { user: string; name: string }): Promise<{ user: string; name: string }> => {
        failing(make, 'make', name);
        return { user, name };
      };
      await pipeline(
        flow(given, {
          id: ({ name }) => name,
          ack: ({ name }) => acked.push(name),
          nack: ({ name }) => nacked.push(name),
        }),
        new Rendezvous(['a', 'b']),
        {
          drop: ({ name }) => note(name, 'dropped'),
          index: async ({ name }) => failing(index, 'index', name),
          image: clip,
          video: clip,
          publish: (_, made) => made,
          notify: async ({ name }) => {
            failing(notify, 'notify', name);
            note(name, 'out');
          },
          giveUp: ({ name }) => note(name, 'dead'),
        },
      );
      expect([...acked, ...nacked].sort()).toEqual(given.map(({ name }) => name).sort());
      for (const upload of given) {
        const { name } = upload;
        const kind = kindOf(upload);
        const at = parseInt(name);
        // Four attempts in a branch; none in the middle of the flow.
        const isBack = kind !== undefined && (make[at]! > 0 || (kind === 'video' && index[at]! > 3));
        expect({ name, isBack: nacked.includes(name) }).toEqual({ name, isBack });
        const outcome = kind === undefined ? 'dropped' : notify[at]! > 3 ? 'dead' : 'out';
        if (kind === undefined || make[at] === 0) expect(settled.get(name)).toEqual([outcome]);
        else expect(settled.has(name)).toBe(false);
      }
    }),
    { numRuns: runs(0.3) },
  );
}, 300_000);
