/**
 * @internal Whether two values have the same content. By content are compared arrays, plain objects, maps, sets, dates and
 * bytes; anything else, a function or an object of a class, may hide what it has and is itself alone. Cycles are allowed.
 *
 * Complexity: O(size) where nothing is shared within the values.
 */
export function sameContent(a: unknown, b: unknown): boolean {
  return alike(a, b, new Map());
}

type Pairs = Map<object, Set<object>>;

function alike(a: unknown, b: unknown, pairs: Pairs): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const kind: unknown = Object.getPrototypeOf(a);
  if (kind !== Object.getPrototypeOf(b)) return false;
  // Met again, it is alike unless something else is not.
  const met = pairs.get(a) ?? new Set();
  if (met.has(b)) return true;
  pairs.set(a, met.add(b));
  if (ArrayBuffer.isView(a)) return sameBytes(bytesOf(a), bytesOf(b as ArrayBufferView));
  switch (kind) {
    case Date.prototype:
      return Object.is(Number(a), Number(b));
    case Set.prototype: {
      const [one, other] = [a as Set<unknown>, b as Set<unknown>];
      return one.size === other.size && [...one].every((each) => other.has(each));
    }
    case Map.prototype: {
      const [one, other] = [a as Map<unknown, unknown>, b as Map<unknown, unknown>];
      return (
        one.size === other.size &&
        [...one].every(([key, value]) => other.has(key) && alike(value, other.get(key), pairs))
      );
    }
    case Array.prototype:
    case Object.prototype:
    case null: {
      const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>];
      const names = Object.keys(one);
      return (
        (kind !== Array.prototype || one['length'] === other['length']) &&
        names.length === Object.keys(other).length &&
        names.every((name) => Object.hasOwn(other, name) && alike(one[name], other[name], pairs))
      );
    }
    default:
      return false;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
