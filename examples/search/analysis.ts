import type { Document } from './documents.ts';
import { tokenise } from './words.ts';

/** A document and its words, counted: all that an index needs to know of it. */
export interface AnalysedDocument extends Document {
  /** How many words it has. */
  readonly length: number;
  /** Each word once, and how often it occurs. Pairs, for a word may be named like a property that every object has. */
  readonly counts: readonly (readonly [word: string, count: number])[];
}

/** Depends on the document and nothing else: to do it twice is to have the same twice. */
export function analyse({ id, text }: Document): AnalysedDocument {
  const words = tokenise(text);
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return { id, text, length: words.length, counts: [...counts] };
}
