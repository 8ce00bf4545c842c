/**
 * @internal Whether two values have the same content. By content are compared arrays, plain objects, dates, bytes, and maps
 * and sets with their order; anything else, a function or an object of a class, may hide what it has and is itself alone.
 *
 * Complexity: O(size). Not for values that contain themselves.
 */
export function sameContent(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  const kind: unknown = Object.getPrototypeOf(a);
  if (kind !== Object.getPrototypeOf(b)) return false;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return sameBytes(bytesOf(a), bytesOf(b));
  switch (kind) {
    // eslint-disable-next-line no-restricted-globals -- the class, not the time
    case Date.prototype:
      return Object.is(Number(a), Number(b));
    case Map.prototype:
    case Set.prototype:
      return sameContent(listOf(a), listOf(b));
    case Array.prototype:
    case Object.prototype:
    case null: {
      const names = Object.keys(a);
      return (
        names.length === Object.keys(b).length &&
        names.every((name) => Object.hasOwn(b, name) && sameContent(a[name], b[name])) &&
        (kind !== Array.prototype || a['length'] === b['length'])
      );
    }
    default:
      return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const listOf = (value: unknown): unknown[] => [...(value as Iterable<unknown>)];

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
