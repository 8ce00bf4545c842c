/** Lines: what is read is what was written; any change of a line is seen, and spoils no other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, crc32ByTable } from '../../../src/queue/stores/journal/crc32.ts';
import { lineOf, linesIn } from '../../../src/queue/stores/journal/line.ts';
import { runs } from '../../support/properties.ts';

const payload = fc.json({ stringUnit: 'binary' });
const payloadsIn = (bytes: Buffer): (string | undefined)[] => [...linesIn(bytes)].map((line) => line.payload);

describe('the checksum', () => {
  it('is that of the standard', () => {
    expect(crc32ByTable('123456789')).toBe(0xcbf43926);
    expect(crc32ByTable('')).toBe(0);
  });

  it('is the same from the table as from the platform', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array()), (data) => {
        expect(crc32ByTable(data)).toBe(crc32(data));
      }),
    );
  });
});

describe('lines', () => {
  it('are read as they were written, with their places', () => {
    fc.assert(
      fc.property(fc.array(payload), (payloads) => {
        const lines = payloads.map((text) => lineOf(text));
        const bytes = Buffer.from(lines.join(''));
        expect(payloadsIn(bytes)).toEqual(payloads);
        let offset = 0;
        for (const [i, line] of [...linesIn(bytes)].entries()) {
          expect(line.offset).toBe(offset);
          expect(line.end).toBe((offset += Buffer.byteLength(lines[i]!)));
        }
      }),
    );
  });

  it('show any change of a byte, and leave all other lines as they were', () => {
    fc.assert(
      fc.property(
        fc.array(payload, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (payloads, where, mask) => {
          const bytes = Buffer.from(payloads.map((text) => lineOf(text)).join(''));
          const at = where % bytes.length;
          bytes[at]! ^= mask;
          const whole = payloadsIn(bytes).filter((text) => text !== undefined);
          let end = 0;
          const hit = payloads.findIndex((text) => at < (end += Buffer.byteLength(lineOf(text))));
          expect(whole).toEqual(payloads.filter((_, i) => i !== hit));
        },
      ),
      { numRuns: runs(10) },
    );
  });

  it('that are cut short are damaged, whatever is left of them', () => {
    const line = Buffer.from(lineOf('["+","ä",1]'));
    for (let length = 1; length < line.length; length++)
      expect(payloadsIn(line.subarray(0, length))).toEqual([undefined]);
  });
});
