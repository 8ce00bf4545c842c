/**
 * @internal Whether two values have the same content. By content are compared arrays, plain objects, dates, views of bytes, and
 * maps and sets with their order; anything else, a function or an object of a class, may hide what it has and is itself alone.
 * Values may contain themselves, or one thing many times, and be as deep as memory allows. Not for those without an end: a
 * getter that makes another object whenever it is read.
 *
 * Complexity: O(size); more only where the two have one thing many times in different ways.
 *
 * Source: the equivalence of automata by union and find; J. Hopcroft, R. Karp, 1971.
 */
export function sameContent(first: unknown, second: unknown): boolean {
  /** What each is taken for, until a difference is found. */
  const same = new Map<unknown, unknown>();
  /** What is to be compared yet, two by two. */
  const pairs = [first, second];
  while (pairs.length > 0) {
    let b = pairs.pop();
    let a = pairs.pop();
    while (same.has(a)) a = same.get(a);
    while (same.has(b)) b = same.get(b);
    if (Object.is(a, b)) continue;
    if (!isObject(a) || !isObject(b)) return false;
    same.set(b, a);
    const kind: unknown = Object.getPrototypeOf(a);
    if (kind !== Object.getPrototypeOf(b)) return false;
    if (ArrayBuffer.isView(a)) {
      const bytes = bytesOf(a);
      const others = bytesOf(b as unknown as ArrayBufferView);
      if (bytes.length !== others.length || !bytes.every((byte, i) => byte === others[i])) return false;
      // eslint-disable-next-line no-restricted-globals -- the class, not the time
    } else if (kind === Date.prototype) pairs.push(Number(a), Number(b));
    else if (kind === Map.prototype || kind === Set.prototype) pairs.push([...(a as never)], [...(b as never)]);
    else if (kind === Array.prototype || kind === Object.prototype || kind === null) {
      const names = Reflect.ownKeys(a);
      const both = (name: string | symbol): unknown => Object.hasOwn(b, name) && pairs.push(a[name], b[name]);
      if (names.length !== Reflect.ownKeys(b).length || !names.every(both)) return false;
    } else return false;
  }
  return true;
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
