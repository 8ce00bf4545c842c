import { isBytes } from '../core/bytes.ts';
import { branded } from '../core/errors.ts';
import { describe } from '../core/options.ts';
import type { Key } from '../hashing/index.ts';

/** Keys of more bytes are not remembered: a few hundred of a megabyte would be more memory than the rest of the service. */
const longestKey = 4_096;

/** No text of a string key has it, so bytes that are not UTF-8 can be spelled behind it. */
const bytesFollow = '\udfff';
const loneSurrogates = /\p{Surrogate}/gu;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
const room = new Uint8Array(longestKey);

/**
 * @internal The one text of a key, for use in a `Map`: equal for two keys exactly when placement takes them for the same key,
 * so a string and its UTF-8 bytes have one text. Undefined for a key that is too long.
 *
 * @throws `TypeError` with code `INVALID_OPTION` when the key is neither string nor bytes
 */
export function textOf(key: Key): string | undefined {
  if (typeof key === 'string') return fits(key) ? key.replace(loneSurrogates, '\ufffd') : undefined;
  if (!isBytes(key)) {
    throw branded(new TypeError(`key must be a string or a Uint8Array, got ${describe(key)}`), 'INVALID_OPTION');
  }
  if (key.length > longestKey) return undefined;
  const text = decoder.decode(key);
  return !text.includes('\ufffd') || isUtf8Of(key, text) ? text : bytesFollow + String.fromCharCode(...key);
}

/** @internal A key with this text: a string, or bytes where no string will do. */
export function keyOf(text: string): Key {
  if (!text.startsWith(bytesFollow)) return text;
  return Uint8Array.from(text.slice(1), (unit) => unit.charCodeAt(0));
}

function isUtf8Of(bytes: Uint8Array, text: string): boolean {
  const spelled = encoder.encode(text);
  return spelled.length === bytes.length && spelled.every((byte, i) => byte === bytes[i]);
}

/** Counted in bytes of UTF-8, so that a string and its bytes are remembered or not alike. */
function fits(text: string): boolean {
  if (text.length * 3 <= longestKey) return true;
  return text.length <= longestKey && encoder.encodeInto(text, room).read === text.length;
}

/** @internal The same text in memory of its own: one that was cut out of a megabyte keeps the whole of it. */
export function ownCopy(text: string): string {
  return text.startsWith(bytesFollow) ? text : decoder.decode(encoder.encode(text));
}
