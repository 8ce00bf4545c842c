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
      return { kind: 'renew', result: result && checked(result, call.held.nonce) };
    }
    case 'release':
      return { kind: 'release', result: await store.release(call.held, signal) };
    case 'read': {
      const result = await store.read(rules.key, signal);
      return { kind: 'read', result: result && checked(result) };
    }
  }
}

function checked(record: LeaseRecord, nonce = record.nonce): LeaseRecord {
  if (typeof record.token !== 'bigint') throw broken('a token that is a bigint', record.token);
  if (!(record.ttlMs > 0)) throw broken('a ttlMs > 0', record.ttlMs);
  if (record.nonce !== nonce) throw broken(`the nonce that was asked with (${nonce})`, record.nonce);
  return record;
}

function broken(expected: string, value: unknown): HoldfastError {
  return new HoldfastError('UNSUPPORTED', `a lease store must answer with ${expected}, got ${describe(value)}`);
}
