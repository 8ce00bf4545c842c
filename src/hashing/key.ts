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

/** @internal The error for anything that is not a key: a `TypeError`, branded as ours, with `INVALID_OPTION`. */
export function notAKey(key: unknown): TypeError {
  return branded(new TypeError(`key must be a string or a Uint8Array, got ${describe(key)}`), 'INVALID_OPTION');
}
