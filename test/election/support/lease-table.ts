import type { Candidacy, Denied, Granted, LeasePatch, LeaseRecord } from 'holdfast/election';
import { nextToken } from '../../../src/election/token.ts';

/** What a table goes by. */
export interface TableOptions {
  /** Who declares a lease dead. */
  readonly expiry: 'server' | 'observer';
  readonly now: () => number;
  readonly wallNow: () => number;
  /** Broken on purpose: `holder` compares nothing but who it is; `unnamed` releases whatever there is. */
  readonly compare?: 'all' | 'holder' | 'unnamed' | undefined;
  /** Broken on purpose: keeps a lease for a part of the time that it promises. */
  readonly share?: number | undefined;
  /** Hears of each write, and whether the lease has changed hands with it. */
  readonly onWrite?: ((changed: boolean) => void) | undefined;
  /** Hears of each grant of a new token. */
  readonly onGrant?: ((record: LeaseRecord) => void) | undefined;
}

/** One lease, kept by the rules of a `LeaseStore`, without promises: an oracle that is written apart from the stores. */
export class LeaseTable {
  readonly #options: TableOptions;
  #record: LeaseRecord | undefined;
  #endsMs = 0;
  #writes = 0;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  acquire({ key, holder, nonce, ttlMs, data, expectDead }: Candidacy): Granted | Denied {
    const last = this.#record;
    const current = this.read();
    const held = current !== null && current.holder !== null;
    if (held && this.#isOf(current, { holder, nonce }))
      return {
        granted: true,
        record: this.#write({ ...current, nonce, ttlMs, data: data ?? current.data }),
        predecessor: 'unknown',
      };
    if (held && !(this.#options.expiry === 'observer' && current.version === expectDead))
      return { granted: false, current };
    const token = nextToken(last?.token ?? 0n, this.#options.wallNow());
    const record = this.#write({ key, holder, nonce, token, version: '', ttlMs, data });
    this.#options.onGrant?.(record);
    return {
      granted: true,
      record,
      predecessor: last === undefined ? 'none' : last.holder === null ? 'released' : 'expired',
    };
  }

  renew(held: LeaseRecord, { ttlMs, data }: LeasePatch): LeaseRecord | null {
    const current = this.#own(held);
    return current === null ? null : this.#write({ ...current, ttlMs, data: data ?? current.data });
  }

  release(held: LeaseRecord): boolean {
    const current = this.#options.compare === 'unnamed' ? this.read() : this.#own(held);
    if (typeof current?.holder !== 'string') return false;
    this.#write({ ...current, holder: null, data: held.data });
    return true;
  }

  read(): LeaseRecord | null {
    const record = this.#record;
    if (record === undefined) return null;
    if (this.#options.expiry === 'observer' || record.holder === null) return record;
    const remainingMs = this.#endsMs - this.#options.now();
    return remainingMs > 0 ? { ...record, remainingMs } : null;
  }

  /** All is forgotten, as by a failover to a replica that had nothing yet. */
  forget(): void {
    this.#record = undefined;
  }

  #own(held: LeaseRecord): LeaseRecord | null {
    const current = this.read();
    if (typeof current?.holder !== 'string' || !this.#isOf(current, held)) return null;
    return this.#options.compare === 'holder' || current.token === held.token ? current : null;
  }

  #isOf(current: LeaseRecord, { holder, nonce }: Pick<LeaseRecord, 'holder' | 'nonce'>): boolean {
    return this.#options.compare === 'holder' ? current.holder === holder : current.nonce === nonce;
  }

  #write(changed: LeaseRecord): LeaseRecord {
    const { expiry, now, share = 1, onWrite } = this.#options;
    const before = this.#record;
    const record: LeaseRecord = {
      ...changed,
      version: `v${String(++this.#writes)}`,
      remainingMs: expiry === 'observer' || changed.holder === null ? undefined : changed.ttlMs,
    };
    this.#record = record;
    this.#endsMs = now() + record.ttlMs * share;
    onWrite?.(before?.token !== record.token || before.holder !== record.holder);
    return record;
  }
}
