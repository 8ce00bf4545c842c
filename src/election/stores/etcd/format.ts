/*
 * How a candidate looks in etcd. The layout of the keys is that of Go's package `concurrency`, whose elections these are too: below
 * `PREFIX/ELECTION/` each candidate has a key, named by its lease, and whose was created first leads.
 */

/** @internal Bytes as the JSON gateway wants them. */
export function toBase64(text: string): string {
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes);
}

/** @internal Text of the gateway's bytes; what is no UTF-8 has replacement characters. An empty value is left out by it. */
export function fromBase64(base64: string | undefined): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64 ?? ''), (char) => char.charCodeAt(0)));
}

/** @internal All candidates of one election, as a range of keys, not encoded. */
export interface CandidateRange {
  readonly from: string;
  readonly to: string;
}

/** @internal A slash within a name would put one election into the range of another; percent signs make that reversible. */
export function candidatesOf(prefix: string, key: string): CandidateRange {
  const election = `${prefix}/${key.replaceAll('%', '%25').replaceAll('/', '%2F')}`;
  // '0' comes after '/'.
  return { from: `${election}/`, to: `${election}0` };
}

/** @internal A lease's number is decimal in JSON and hexadecimal in keys; it is a signed number of 64 bits. */
export function candidateKey({ from }: CandidateRange, leaseId: string): string {
  return from + BigInt.asUintN(64, BigInt(leaseId)).toString(16);
}

/** @internal Beside the elections: what is added to revisions to make tokens. See docs/decisions. */
export const epochKey = (prefix: string): string => `${prefix}:epoch`;

/** @internal What a candidate says of itself. */
export interface Candidate {
  readonly holder: string;
  readonly nonce: string;
  readonly data?: string | undefined;
}

/** @internal The value of a candidate's key: what `etcdctl elect --listen` shows. */
export function writeCandidate({ holder, nonce, data }: Candidate): string {
  return JSON.stringify({ holder, nonce, data });
}

/** @internal Of a candidate of other software, all of the value is its name, and its lease tells it from others. */
export function readCandidate(value: string, leaseId: string): Candidate {
  const { holder, nonce, data } = parsed(value);
  if (typeof holder !== 'string' || typeof nonce !== 'string') return { holder: value, nonce: leaseId };
  return { holder, nonce, ...(typeof data === 'string' && { data }) };
}

function parsed(value: string): Readonly<Record<string, unknown>> {
  try {
    return (JSON.parse(value) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}
