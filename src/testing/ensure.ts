/** @internal Throws unless it holds. */
export function ensure(holds: boolean, what: string, ...details: readonly unknown[]): void {
  if (!holds) throw new Error(details.length === 0 ? what : `${what}: ${details.map(text).join(', ')}`);
}

/** @internal Throws unless both are the same as JSON. */
export function ensureSame(one: unknown, other: unknown, what: string): void {
  ensure(text(one) === text(other), what, one, other);
}

/** JSON, and whole numbers of any size. */
function text(value: unknown): string | undefined {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${String(part)}n` : part));
}
