/** What the root and the indexer say to the leaves: JSON over HTTP. */
import type { AnalysedDocument } from './analysis.ts';
import type { Document } from './documents.ts';
import type { Statistics } from './inverted-index.ts';

/** The header with the milliseconds that the sender has left. */
export const deadlineHeader = 'x-deadline-ms';

/** `POST /claim` → `ClaimAnswer`: from now on the leaf refuses every smaller token, with 409. */
export interface ClaimRequest {
  /** The indexer's term: digits, for JSON has no numbers that are as large. */
  readonly token: string;
}

export interface ClaimAnswer {
  /** The documents of the shard that the leaf has. */
  readonly ids: readonly string[];
}

/** `POST /documents` → `AddAnswer`: documents of the shard. Those that the leaf has change nothing. */
export interface AddRequest extends ClaimRequest {
  readonly documents: readonly AnalysedDocument[];
}

export interface AddAnswer {
  /** How many documents of the shard the leaf has now. */
  readonly documents: number;
}

/** `POST /copies` → `{}`: documents of other shards, to be read and not found. */
export interface CopyRequest {
  readonly documents: readonly Document[];
}

/** `POST /search` → `Found` */
export interface SearchRequest {
  readonly terms: readonly string[];
  readonly statistics: WireStatistics;
  readonly k: number;
}

/** `POST /read` → `ReadAnswer` */
export interface ReadRequest {
  readonly id: string;
}

/** `null`: the leaf has no such document, nor a copy. It answers all the same, so nobody takes it for broken. */
export interface ReadAnswer {
  readonly text: string | null;
}

/** `POST /copies/drop` → `{}` */
export interface DropRequest {
  readonly ids: readonly string[];
}

/** `POST /delay` → `{}`: from now on each search takes so much longer. For the show. */
export interface DelayRequest {
  readonly ms: number;
}

/** `GET /statistics` */
export interface WireStatistics {
  readonly documents: number;
  readonly words: number;
  /** Pairs, for a term may be named like a property that every object has. */
  readonly frequencies: readonly (readonly [term: string, documents: number])[];
}

/** The first and only message of a leaf to its parent process. */
export interface Listening {
  readonly port: number;
}

export function toWire({ documents, words, frequencies }: Statistics): WireStatistics {
  return { documents, words, frequencies: [...frequencies] };
}

export function fromWire({ documents, words, frequencies }: WireStatistics): Statistics {
  return { documents, words, frequencies: new Map(frequencies) };
}
