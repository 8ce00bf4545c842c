import { branded } from '../core/errors.ts';
import { describe } from '../core/options.ts';

/**
 * What is hashed: a string, or bytes. A string and its UTF-8 bytes are the same key. A lone surrogate has no UTF-8 form
 * and counts as U+FFFD, as in `TextEncoder`; `'é'` in composed and decomposed form are two keys.
 */
export type Key = string | Uint8Array;

const encoder = new TextEncoder();

/** @internal The bytes of a key. Allocates for a string. */
export function bytesOf(key: Key): Uint8Array {
  return typeof key === 'string' ? encoder.encode(key) : key;
}

/** @internal Whether a key is bytes: also those of another realm (a vm context, a test runner's sandbox). */
export function isBytes(key: unknown): key is Uint8Array {
  return (
    key instanceof Uint8Array ||
    (ArrayBuffer.isView(key) && Object.prototype.toString.call(key) === '[object Uint8Array]')
  );
}

/** @internal The error for anything that is not a key: a `TypeError`, branded as ours, with `INVALID_OPTION`. */
export function notAKey(key: unknown): TypeError {
  return branded(new TypeError(`key must be a string or a Uint8Array, got ${describe(key)}`), 'INVALID_OPTION');
}
