import type { Candidacy, Denied, Granted, LeaseRecord, LeaseStore } from '../election/index.ts';
import { ensure } from './ensure.ts';

/** @internal The setting of the suite, all defaults filled in. */
export interface LeaseSetting {
  readonly make: () => LeaseStore | Promise<LeaseStore>;
  readonly prefix: string;
  readonly ttlMs: number;
  readonly waitMs: (ms: number) => unknown;
  readonly hintWithinMs: number;
  readonly candidates: number;
  readonly rounds: number;
  readonly seed: number | string;
}

/** @internal Throws, or rejects, when the store breaks the law. */
export type LeaseLaw = (trial: LeaseTrial) => Promise<void>;

/** What is not about the end of a lease has one that outlasts any stall of the machine. */
const lastingMs = 60_000;

/** How much longer than its length a lease may live on by the store's clock before the suite calls it endless. */
const laggardMs = 5_000;

/** Within which time a call has to answer its signal. */
const promptMs = 2_000;

let trials = 0;

/** @internal One test: its instances of the store, keys that nobody else has, and the steps that laws are made of. */
export class LeaseTrial {
  /** Never aborts. */
  readonly signal: AbortSignal = new AbortController().signal;
  readonly setting: LeaseSetting;
  readonly #opened = new Set<LeaseStore>();
  readonly #name: string;
  #named = 0;

  constructor(setting: LeaseSetting) {
    this.setting = setting;
    this.#name = `${setting.prefix}-${String(++trials)}`;
  }

  /** Another instance of the store, over the same leases. */
  async store(): Promise<LeaseStore> {
    const store = await this.setting.make();
    this.#opened.add(store);
    return store;
  }

  /** Two instances, as two processes would have. */
  async pair(): Promise<[LeaseStore, LeaseStore]> {
    return [await this.store(), await this.store()];
  }

  /** Closes what was opened. */
  async close(): Promise<void> {
    for (const store of this.#opened) await store.close?.();
  }

  /** A name that no other has, for a key, a holder or a nonce. */
  name(kind: string): string {
    return `${this.#name}-${kind}${String(++this.#named)}`;
  }

  /** A candidacy of its own, for a lease that does not end while the law looks. */
  lasting(store: LeaseStore, key: string, more: Partial<Candidacy> = {}): Candidacy {
    const ttlMs = fitting(store, lastingMs);
    return { key, holder: this.name('holder'), nonce: this.name('nonce'), ttlMs, ...more };
  }

  /** A candidacy of its own, for a lease that is soon over. */
  brief(store: LeaseStore, key: string, more: Partial<Candidacy> = {}): Candidacy {
    return this.lasting(store, key, { ttlMs: fitting(store, this.setting.ttlMs), ...more });
  }

  async granted(store: LeaseStore, candidacy: Candidacy): Promise<Granted> {
    const answer = await store.acquire(candidacy, this.signal);
    if (!answer.granted) throw new Error(`not granted, though it had to be: ${candidacy.holder}`);
    const { key, holder, nonce, ttlMs } = answer.record;
    ensure(key === candidacy.key, 'granted is another election', key, candidacy.key);
    ensure(holder === candidacy.holder, 'granted to another holder', holder, candidacy.holder);
    ensure(nonce === candidacy.nonce, 'granted to another candidacy', nonce, candidacy.nonce);
    ensure(ttlMs >= candidacy.ttlMs, 'granted for less than was asked for', ttlMs, candidacy.ttlMs);
    return answer;
  }

  async denied(store: LeaseStore, candidacy: Candidacy): Promise<Denied> {
    const answer = await store.acquire(candidacy, this.signal);
    if (answer.granted) throw new Error(`granted, though another holds it: ${candidacy.holder}`);
    return answer;
  }

  /** The answer to one renewal. */
  async renew(store: LeaseStore, held: LeaseRecord, data?: string): Promise<LeaseRecord | null> {
    const patch = data === undefined ? { ttlMs: held.ttlMs } : { ttlMs: held.ttlMs, data };
    const answers = await store.renew([held], patch, this.signal);
    ensure(answers.length === 1, 'one renewal has not one answer', answers.length);
    return answers[0] ?? null;
  }

  async renewed(store: LeaseStore, held: LeaseRecord, data?: string): Promise<LeaseRecord> {
    const record = await this.renew(store, held, data);
    if (record === null) throw new Error(`a lease that is held cannot be renewed: ${String(held.holder)}`);
    ensure(
      record.nonce === held.nonce && record.token === held.token,
      'a renewal changed nonce or token',
      held,
      record,
    );
    return record;
  }

  async released(store: LeaseStore, held: LeaseRecord): Promise<void> {
    ensure(await store.release(held, this.signal), 'a lease that is held cannot be released', held.holder);
  }

  /** The record of a lease that somebody has to hold. */
  async held(store: LeaseStore, key: string): Promise<LeaseRecord> {
    const record = await store.read(key, this.signal);
    if (record === null || isFree(record)) throw new Error('a lease that is held reads as free');
    return record;
  }

  /** Waits until a lease is over by the store's clock. */
  async expired(store: LeaseStore, { key, ttlMs }: LeaseRecord): Promise<void> {
    const gone = await this.eventually(2 * ttlMs + laggardMs, async () => {
      return (await store.read(key, this.signal)) === null ? true : undefined;
    });
    ensure(gone === true, 'a lease does not end by the clock of the store', ttlMs);
  }

  /** Lets another have a lease that its holder does not renew: `held` ends as that store ends leases. */
  async overtaken(store: LeaseStore, held: LeaseRecord, by: Candidacy): Promise<Granted> {
    if (store.expiry === 'observer') return this.granted(store, { ...by, expectDead: held.version });
    await this.expired(store, held);
    return this.granted(store, by);
  }

  /** What an attempt finds, tried again and again for so long. */
  async eventually<T>(withinMs: number, attempt: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> {
    const sliceMs = Math.max(1, Math.ceil(withinMs / 100));
    for (let waitedMs = 0; ; waitedMs += sliceMs) {
      const found = await attempt();
      if (found !== undefined || waitedMs >= withinMs) return found;
      await this.setting.waitMs(sliceMs);
    }
  }

  /** How a call settles, which it has to do promptly. */
  async settled<T>(call: Promise<T>, what: string): Promise<PromiseSettledResult<T>> {
    let outcome: PromiseSettledResult<T> | undefined;
    void Promise.allSettled([call]).then(([settled]) => (outcome = settled));
    const found = await this.eventually(promptMs, () => outcome);
    if (found === undefined) throw new Error(`${what} goes on though its signal is aborted`);
    return found;
  }
}

/** The length nearest to what is wanted that the store can do. */
function fitting({ limits: { minTtlMs, maxTtlMs = Infinity, stepMs } }: LeaseStore, wantedMs: number): number {
  const stepped = Math.ceil(Math.max(wantedMs, minTtlMs) / stepMs) * stepMs;
  return Math.min(stepped, maxTtlMs);
}

/** @internal What two accounts of one record agree on; `remainingMs` runs. */
export function account(record: LeaseRecord | null): unknown {
  if (record === null) return null;
  const { key, holder, nonce, token, version, ttlMs, data } = record;
  return [key, holder, nonce, token, version, ttlMs, data];
}

/** @internal Whether nobody holds it, as far as a record tells. */
export function isFree(record: LeaseRecord | null): boolean {
  return (record?.holder ?? null) === null;
}
