/*
 * What the lines of a journal say.
 *
 * Entries are of keys: its whole state, a change of it, or that it is gone. Their order is that in which it happened. Two
 * more kinds are the journal's own: a header begins each file, and a mark says how much of its file is known to be synced.
 */

/** @internal Something about a key. */
export type Entry =
  | { readonly kind: 'keep'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'note'; readonly key: string; readonly value: unknown }
  | { readonly kind: 'forget'; readonly key: string };

/** @internal The first line of a file. */
interface Header {
  readonly kind: 'header';
  readonly format: number;
  /** The number of this file. */
  readonly segment: number;
  /** The number of the file before it, all of which is synced; 0: there was none. */
  readonly after: number;
  /** No fence in this file is higher. */
  readonly fences: number;
}

/** @internal A line's meaning. */
export type JournalRecord =
  | Entry
  | Header
  /** So many bytes of this file are synced. */
  | { readonly kind: 'mark'; readonly synced: number };

/** @internal The format that is written. */
export const format = 1;

/** @internal `value`: JSON. */
export const keepPayload = (key: string, value: string): string => `["+",${JSON.stringify(key)},${value}]`;
/** @internal `value`: JSON. */
export const notePayload = (key: string, value: string): string => `["~",${JSON.stringify(key)},${value}]`;
/** @internal */
export const forgetPayload = (key: string): string => `["-",${JSON.stringify(key)}]`;
/** @internal */
export const headerPayload = (segment: number, after: number, fences: number): string =>
  JSON.stringify(['#', format, segment, after, fences]);
/** @internal */
export const markPayload = (synced: number): string => `["=",${String(synced)}]`;

/** @internal What a payload says; undefined when it is nothing of ours. */
export function recordIn(payload: string): JournalRecord | undefined {
  const [kind, first, second, third, fourth] = partsOf(payload);
  if (typeof first === 'string') {
    if (kind === '+') return { kind: 'keep', key: first, value: second };
    if (kind === '~') return { kind: 'note', key: first, value: second };
    if (kind === '-') return { kind: 'forget', key: first };
  }
  if (typeof first !== 'number') return undefined;
  if (kind === '=') return { kind: 'mark', synced: first };
  if (kind !== '#' || typeof second !== 'number' || typeof third !== 'number') return undefined;
  return { kind: 'header', format: first, segment: second, after: third, fences: Number(fourth) };
}

function partsOf(payload: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(payload);
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
