import { HoldfastError } from '../../../core/errors.ts';
import { type CandidateRange, epochKey, fromBase64, toBase64 } from './format.ts';
import type { AskEtcd } from './gateway.ts';

/** @internal A candidate's key; numbers are decimal text, as 64 bits come in proto3's JSON. */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly lease: string;
  readonly createRevision: string;
  readonly modRevision: string;
}

/** @internal Who leads, and what is added to revisions. */
export interface Look {
  readonly leader: Entry | null;
  /** `null`: nobody has led below this prefix since etcd was empty. */
  readonly epoch: bigint | null;
}

/** @internal A lease of etcd. */
export interface EtcdLease {
  readonly id: string;
  /** As granted, which may be more than was asked for. */
  readonly ttlMs: number;
}

/** @internal What a transaction has changed: at which revision; or, refused, what there was. */
export type Change = { readonly done: true; readonly revision: string } | { readonly done: false; readonly look: Look };

/** In proto3's JSON, what is zero, false or empty is absent. */
interface KeyValue {
  readonly key: string;
  readonly value?: string;
  readonly lease?: string;
  readonly create_revision: string;
  readonly mod_revision: string;
}

interface TxnAnswer {
  readonly header: { readonly revision: string };
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: { readonly kvs?: readonly KeyValue[] } }[];
}

/** @internal The questions of an election, in the words of etcd. Each is one call. */
export class Cluster {
  readonly #ask: AskEtcd;
  readonly #prefix: string;

  constructor(ask: AskEtcd, prefix: string) {
    this.#ask = ask;
    this.#prefix = prefix;
  }

  async look(range: CandidateRange, signal: AbortSignal): Promise<Look> {
    return lookOf(await this.#ask<TxnAnswer>('kv/txn', { success: this.#looking(range) }, signal));
  }

  /** Makes `key` the only candidate, if there is none and the epoch is still what it was; sets `epoch` if there was none. */
  async enter(
    range: CandidateRange,
    entry: Pick<Entry, 'key' | 'value' | 'lease'>,
    epoch: { readonly seen: bigint | null; readonly first: bigint },
    signal: AbortSignal,
  ): Promise<Change> {
    const key = toBase64(epochKey(this.#prefix));
    const none = { target: 'CREATE', result: 'EQUAL', create_revision: '0' };
    const body = {
      compare: [
        { ...rangeOf(range), ...none },
        epoch.seen === null
          ? { key, ...none }
          : { key, target: 'VALUE', result: 'EQUAL', value: toBase64(String(epoch.seen)) },
      ],
      success: [
        put(entry),
        ...(epoch.seen === null ? [{ request_put: { key, value: toBase64(String(epoch.first)) } }] : []),
      ],
      failure: this.#looking(range),
    };
    return changeOf(await this.#ask<TxnAnswer>('kv/txn', body, signal));
  }

  /** Writes a candidate's key anew, or deletes it, if it is still the one that was created then. */
  async change(
    range: CandidateRange,
    { key, createRevision }: Entry,
    next: Pick<Entry, 'value' | 'lease'> | 'delete',
    signal: AbortSignal,
  ): Promise<Change> {
    const body = {
      compare: [{ key: toBase64(key), target: 'CREATE', result: 'EQUAL', create_revision: createRevision }],
      success: [next === 'delete' ? { request_delete_range: { key: toBase64(key) } } : put({ key, ...next })],
      failure: this.#looking(range),
    };
    return changeOf(await this.#ask<TxnAnswer>('kv/txn', body, signal));
  }

  async grant(ttlMs: number, signal: AbortSignal): Promise<EtcdLease> {
    const seconds = String(Math.ceil(ttlMs / 1000));
    const { ID, TTL } = await this.#ask<{ ID: string; TTL: string }>('lease/grant', { TTL: seconds }, signal);
    return { id: ID, ttlMs: Number(TTL) * 1000 };
  }

  /** The whole length of the lease, from now on; `null`: it is over, which etcd answers with success and without a length. */
  async keepAlive(id: string, signal: AbortSignal): Promise<number | null> {
    const { TTL = '0' } = await this.#ask<{ TTL?: string }>('lease/keepalive', { ID: id }, signal);
    return Number(TTL) > 0 ? Number(TTL) * 1000 : null;
  }

  /** The length of a lease and what is left of it, to whole seconds; `null`: it is over. */
  async timeToLive(id: string, signal: AbortSignal): Promise<{ ttlMs: number; remainingMs: number } | null> {
    const answer = await this.#ask<{ TTL?: string; grantedTTL?: string }>('lease/timetolive', { ID: id }, signal);
    const remaining = Number(answer.TTL ?? 0);
    return remaining < 0 ? null : { ttlMs: Number(answer.grantedTTL ?? 0) * 1000, remainingMs: remaining * 1000 };
  }

  /** What hangs on the lease goes with it. */
  async revoke(id: string, signal: AbortSignal): Promise<void> {
    await this.#ask('lease/revoke', { ID: id }, signal);
  }

  #looking(range: CandidateRange): readonly object[] {
    return [
      { request_range: { ...rangeOf(range), sort_target: 'CREATE', sort_order: 'ASCEND', limit: '1' } },
      { request_range: { key: toBase64(epochKey(this.#prefix)) } },
    ];
  }
}

/** @internal All keys of a range, for etcd. */
export const rangeOf = ({ from, to }: CandidateRange): object => ({ key: toBase64(from), range_end: toBase64(to) });

const put = ({ key, value, lease }: Pick<Entry, 'key' | 'value' | 'lease'>): object => ({
  request_put: { key: toBase64(key), value: toBase64(value), lease },
});

function changeOf(answer: TxnAnswer): Change {
  if (answer.succeeded !== true) return { done: false, look: lookOf(answer) };
  return { done: true, revision: answer.header.revision };
}

function lookOf({ responses = [] }: TxnAnswer): Look {
  const [leader, epoch] = responses.map(({ response_range }) => response_range?.kvs?.[0]);
  return { leader: leader === undefined ? null : entryOf(leader), epoch: epoch === undefined ? null : epochOf(epoch) };
}

const entryOf = ({ key, value, lease = '0', create_revision, mod_revision }: KeyValue): Entry => ({
  key: fromBase64(key),
  value: fromBase64(value),
  lease,
  createRevision: create_revision,
  modRevision: mod_revision,
});

function epochOf({ key, value }: KeyValue): bigint {
  const text = fromBase64(value);
  if (/^\d{1,18}$/.test(text)) return BigInt(text);
  throw new HoldfastError('STORE_FAILED', `the key ${fromBase64(key)} of etcd must hold a number of at most 18 digits`);
}
