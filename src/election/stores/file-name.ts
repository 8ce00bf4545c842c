import { createHash } from 'node:crypto';

/** File systems end names at 255 bytes. */
const longestName = 200;

const utf8 = new TextEncoder();

/**
 * @internal The folder name of a key: no two keys have the same, also where the file system ignores case or joins the two
 * forms of é, and none means anything to a path. Names stay readable while they are short.
 */
export function folderOf(key: string): string {
  const name = `k-${Array.from(utf8.encode(key), spelt).join('')}`;
  return name.length <= longestName ? name : `h-${createHash('sha256').update(key, 'utf8').digest('hex')}`;
}

function spelt(byte: number): string {
  const letter = String.fromCharCode(byte);
  return /[a-z0-9_-]/.test(letter) ? letter : `=${byte.toString(16).padStart(2, '0')}`;
}
