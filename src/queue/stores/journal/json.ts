/*
 * Data as JSON, exactly: what would come back as something else is refused.
 */
import { HoldfastError } from '../../../core/errors.ts';
import { describe, invalid } from '../../../core/options.ts';

/** Deeper than any data is meant to be, and far from where a parser gives up. */
const deepest = 500;

/**
 * @internal The text of a value.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION` with the path of what is not JSON, and for a text of more than `maxBytes`
 */
export function jsonOf(name: string, value: unknown, maxBytes: number): string {
  checkJson(name, value, []);
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  const size = `${name} must be at most ${String(maxBytes)} bytes as JSON, got ${String(bytes)}`;
  throw new HoldfastError('INVALID_OPTION', size);
}

function checkJson(path: string, value: unknown, above: readonly object[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return;
  if (typeof value !== 'object') throw invalid(path, 'JSON', value);
  if (above.includes(value)) throw new HoldfastError('INVALID_OPTION', `${path} must be JSON, got what contains it`);
  if (above.length === deepest)
    throw new HoldfastError('INVALID_OPTION', `${path} must be JSON no deeper than ${String(deepest)}`);
  const inside = [...above, value];
  if (Array.isArray(value)) {
    for (const [i, item] of (value as readonly unknown[]).entries()) checkJson(`${path}[${String(i)}]`, item, inside);
  } else if (isPlain(value)) {
    for (const [key, item] of Object.entries(value)) checkJson(pathTo(path, key), item, inside);
  } else throw invalid(path, 'JSON', value);
}

/** An object whose own properties are all that it is. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  const isOfNoClass = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isOfNoClass && typeof (value as { readonly toJSON?: unknown }).toJSON !== 'function';
}

function pathTo(path: string, key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `${path}.${key}` : `${path}[${describe(key)}]`;
}
