/** @internal Whether a value is a `Uint8Array`: also one of another realm (a vm context, a test runner's sandbox). */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array ||
    (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]')
  );
}
