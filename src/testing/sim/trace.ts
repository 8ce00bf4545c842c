import { describe } from '../../core/options.ts';
import { Digest } from './digest.ts';

interface Entry {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
  readonly detail: unknown;
}

const longestDetail = 120;

/**
 * @internal All that happened, as a hash; of the end, as text. An entry is made text when somebody asks, for most of them
 * nobody does.
 */
export class Trace {
  readonly #digest = new Digest();
  readonly #kept: number;
  readonly #listener: ((line: string) => void) | undefined;
  readonly #entries: Entry[] = [];
  #count = 0;

  constructor(kept: number, listener: ((line: string) => void) | undefined) {
    this.#kept = kept;
    this.#listener = listener;
  }

  /** `detail` is plain data that nobody changes any more. */
  add(atMs: number, who: string, what: string, detail?: unknown): void {
    this.#digest.number(atMs);
    this.#digest.text(who);
    this.#digest.text(what);
    if (detail !== undefined) this.#digest.value(detail);
    const entry = { atMs, who, what, detail };
    if (this.#kept > 0) this.#entries[this.#count++ % this.#kept] = entry;
    this.#listener?.(lineOf(entry));
  }

  get hash(): string {
    return this.#digest.toString();
  }

  /** The last lines, oldest first. */
  lines(): string[] {
    const first = this.#count % Math.max(1, this.#entries.length);
    return [...this.#entries.slice(first), ...this.#entries.slice(0, first)].map(lineOf);
  }
}

function lineOf({ atMs, who, what, detail }: Entry): string {
  const text = detail === undefined ? '' : ` ${detailOf(detail)}`;
  return `${atMs.toFixed(3).padStart(12)} ${who}: ${what}${text}`;
}

function detailOf(detail: unknown): string {
  if (typeof detail === 'string') return detail;
  if (detail instanceof Error) return `${detail.name}: ${detail.message}`;
  try {
    // Undefined for what JSON does not know, whatever the declaration says.
    const json = JSON.stringify(detail, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${String(value)}n` : value,
    ) as string | undefined;
    if (json !== undefined) return json.length > longestDetail ? `${json.slice(0, longestDetail)}…` : json;
  } catch {
    // It contains itself.
  }
  return describe(detail);
}
