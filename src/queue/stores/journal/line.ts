/*
 * A record is a line: the length of its payload in bytes, the payload's CRC-32, both as eight hex digits, and the payload,
 * which is JSON and so has no line break in it. A damaged line is one whose head does not say what its payload is; the next
 * line break ends it, so what follows can still be read. If it is the line break that is damaged, the length tells its place.
 */
import { crc32 } from './crc32.ts';

/** @internal How many bytes a line has beside its payload. */
export const lineOverhead = 19;

/** @internal A payload as a line. */
export function lineOf(payload: string, bytes: number = Buffer.byteLength(payload)): string {
  return `${head(bytes, crc32(payload))}${payload}\n`;
}

/** @internal A line that was read: where it begins and ends, and its payload, unless it is damaged. */
export interface Line {
  readonly offset: number;
  readonly end: number;
  readonly payload: string | undefined;
}

const lineBreak = 10;
const headBytes = lineOverhead - 1;

/** @internal The lines of a file, damaged ones too. */
export function* linesIn(bytes: Buffer): Generator<Line> {
  for (let offset = 0; offset < bytes.length;) {
    const lineEnd = bytes.indexOf(lineBreak, offset);
    const payload = lineEnd === -1 ? undefined : payloadOf(bytes.subarray(offset, lineEnd));
    const end = lineEnd === -1 ? bytes.length : lineEnd + 1;
    const line = { offset, end: payload === undefined ? (endByLength(bytes, offset) ?? end) : end, payload };
    yield line;
    offset = line.end;
  }
}

/** Where a line ends that is whole but for its line break. */
function endByLength(bytes: Buffer, offset: number): number | undefined {
  const end = offset + headBytes + parseInt(bytes.toString('latin1', offset, offset + 8), 16);
  return end < bytes.length && payloadOf(bytes.subarray(offset, end)) !== undefined ? end + 1 : undefined;
}

function payloadOf(line: Buffer): string | undefined {
  if (line.length < headBytes) return undefined;
  const payload = line.subarray(headBytes);
  const isWhole = line.toString('latin1', 0, headBytes) === head(payload.length, crc32(payload));
  return isWhole ? payload.toString() : undefined;
}

function head(length: number, checksum: number): string {
  return `${hex(length)} ${hex(checksum)} `;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
