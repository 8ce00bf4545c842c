import { HoldfastError } from '../core/errors.ts';
import { describe } from '../core/options.ts';
import type { LeaseRecord, LeaseStore } from './lease-store.ts';
import type { Rules } from './rules.ts';
import type { Answer, StoreCall } from './standing.ts';

/** @internal Makes a call. An answer of a wrong shape is none: it rejects. */
export async function perform(store: LeaseStore, call: StoreCall, rules: Rules, signal: AbortSignal): Promise<Answer> {
  switch (call.kind) {
    case 'acquire': {
      const result = await store.acquire(call.candidacy, signal);
      if (result.granted) checked(result.record, call.candidacy.nonce);
      else if (result.current !== null) checked(result.current);
      return { kind: 'acquire', result };
    }
    case 'renew': {
      const [result] = await store.renew([call.held], { ttlMs: rules.ttlMs, data: call.data }, signal);
      if (result === undefined) throw broken('an answer for each lease', result);
      return { kind: 'renew', result: result === null ? null : checked(result, call.held.nonce) };
    }
    case 'release':
      return { kind: 'release', result: await store.release(call.held, signal) };
    case 'read': {
      const result = await store.read(rules.key, signal);
      return { kind: 'read', result: result === null ? null : checked(result) };
    }
  }
}

/** A record as it must be, for what follows reckons with it. */
function checked(record: LeaseRecord, nonce?: string): LeaseRecord {
  if (typeof record !== 'object' || (record as unknown) === null) throw broken('a record or null', record);
  const { holder, token, version, ttlMs, remainingMs = 0 } = record;
  if (holder !== null && typeof holder !== 'string') throw broken('a holder that is a string or null', holder);
  if (typeof record.nonce !== 'string' || typeof version !== 'string') throw broken('a nonce and a version', record);
  if (typeof token !== 'bigint') throw broken('a token that is a bigint', token);
  if (!(ttlMs > 0) || ttlMs === Infinity) throw broken('a ttlMs > 0', ttlMs);
  if (!Number.isFinite(remainingMs)) throw broken('a remainingMs that is finite', remainingMs);
  if (nonce !== undefined && record.nonce !== nonce)
    throw broken(`the nonce that was asked with (${nonce})`, record.nonce);
  return record;
}

function broken(expected: string, value: unknown): HoldfastError {
  return new HoldfastError('UNSUPPORTED', `a lease store must answer with ${expected}, got ${describe(value)}`);
}
