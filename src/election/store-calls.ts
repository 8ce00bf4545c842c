import { HoldfastError } from '../core/errors.ts';
import { describe } from '../core/options.ts';
import type { LeaseRecord, LeaseStore } from './lease-store.ts';
import type { Rules } from './rules.ts';
import type { Answer, StoreCall } from './standing.ts';

/** @internal Makes a call. An answer that no store may give is none: it rejects with `STORE_FAILED`. */
export async function perform(store: LeaseStore, call: StoreCall, rules: Rules, signal: AbortSignal): Promise<Answer> {
  switch (call.kind) {
    case 'acquire': {
      const { nonce, holder } = call.candidacy;
      const result = part(await store.acquire(call.candidacy, signal));
      if (typeof (result.granted as unknown) !== 'boolean') throw broken('whether the lease was granted', result);
      if (result.granted) checked(result.record, { nonce, holder });
      else if (result.current !== null) checked(result.current);
      return { kind: 'acquire', result };
    }
    case 'renew': {
      const { nonce, holder, token } = call.held;
      const results = part(await store.renew([call.held], { ttlMs: rules.ttlMs, data: call.data }, signal));
      const [result] = Array.isArray(results) ? (results as (LeaseRecord | null)[]) : [];
      if (result === undefined) throw broken('an answer for each lease', results);
      return { kind: 'renew', result: result === null ? null : checked(result, { nonce, holder, token }) };
    }
    case 'release': {
      const result = await store.release(call.held, signal);
      if (typeof (result as unknown) !== 'boolean') throw broken('whether the lease was given back', result);
      return { kind: 'release', result };
    }
    case 'read':
      return { kind: 'read', result: await look(store, rules.key, signal) };
  }
}

/** @internal Reads a lease. An answer that no store may give is none: it rejects with `STORE_FAILED`. */
export async function look(store: LeaseStore, key: string, signal: AbortSignal): Promise<LeaseRecord | null> {
  const record = await store.read(key, signal);
  return record === null ? null : checked(record);
}

/** A record as it must be, for what follows reckons with it; one that was asked for says what it was asked with. */
function checked(record: LeaseRecord, asked: Partial<LeaseRecord> = {}): LeaseRecord {
  const { holder, nonce, token, version, ttlMs, remainingMs = 0, data } = part(record);
  if (holder !== null && typeof holder !== 'string') throw broken('a holder that is a string or null', holder);
  if (typeof nonce !== 'string' || typeof version !== 'string') throw broken('a nonce and a version', record);
  if (typeof token !== 'bigint' || token < 0n) throw broken('a token that is a bigint >= 0', token);
  if (!isLength(ttlMs) || ttlMs === 0) throw broken('a ttlMs > 0', ttlMs);
  if (!isLength(remainingMs)) throw broken('a remainingMs >= 0', remainingMs);
  if (data !== undefined && typeof data !== 'string') throw broken('data that is a string', data);
  for (const [name, value] of Object.entries(asked) as [keyof LeaseRecord, unknown][])
    if (record[name] !== value) throw broken(`the ${name} that was asked with (${describe(value)})`, record[name]);
  return record;
}

const isLength = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value) && value >= 0;

function part<T>(answer: T): T {
  if (typeof answer !== 'object' || answer === null) throw broken('an object', answer);
  return answer;
}

function broken(expected: string, value: unknown): HoldfastError {
  return new HoldfastError('STORE_FAILED', `a lease store must answer with ${expected}, got ${describe(value)}`);
}
