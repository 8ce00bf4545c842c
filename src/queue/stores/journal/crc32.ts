/*
 * CRC-32 as in IEEE 802.3, gzip and PNG: polynomial 0x04C11DB7, reflected. It finds every change of up to 32 bits in a row.
 */
import * as zlib from 'node:zlib';

/** @internal The checksum of bytes, or of a text as UTF-8: a whole number below 2^32. */
export type Crc32 = (data: Uint8Array | string) => number;

/** The platform's own, which came with Node 20.15 and 22.2. */
const native = (zlib as { readonly crc32?: Crc32 }).crc32;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

const utf8 = new TextEncoder();

/** @internal The same from a table, for a platform without its own. */
export const crc32ByTable: Crc32 = (data) => {
  const bytes = typeof data === 'string' ? utf8.encode(data) : data;
  let rest = 0xffffffff;
  for (const byte of bytes) rest = table[(rest ^ byte) & 0xff]! ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
};

/** @internal */
export const crc32: Crc32 = native ?? crc32ByTable;
