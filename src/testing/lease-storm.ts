import type { Candidacy, LeaseRecord, LeaseStore } from '../election/index.ts';
import { ensure } from './ensure.ts';
import { type Exchange, misfits, type Step } from './lease-history.ts';
import type { LeaseLaw, LeaseTrial } from './lease-trial.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';

/** @internal Many candidates at once, who do whatever comes to their minds. */
export const stormLaws: Readonly<Record<string, LeaseLaw>> = {
  async 'answers a storm of candidates as if one came after the other'(trial) {
    const { candidates, rounds, seed } = trial.setting;
    const stores = [...(await trial.pair()), await trial.store()];
    const key = trial.name('key');
    let instant = 0;
    const timed = async (exchange: Promise<Exchange>): Promise<Step> => {
      const from = instant++;
      return { ...(await exchange), from, to: instant++ };
    };
    const lane = async (i: number): Promise<Step[]> => {
      const candidate = new Candidate(trial, stores[i % stores.length]!, key, seededRandom(seed).stream(String(i)));
      const steps: Step[] = [];
      while (steps.length < rounds) steps.push(await timed(candidate.next()));
      return steps;
    };
    const lanes = await Promise.all(Array.from({ length: candidates }, (_, i) => lane(i)));
    const stuck = misfits(lanes, stores[0]!.expiry === 'observer');
    ensure(stuck.length === 0, `no order of the calls explains their answers, with seed ${String(seed)}`, ...stuck);
  },
};

/** Acquires, takes over, renews, releases and reads by chance, now and then with what it lost long ago. */
class Candidate {
  readonly #trial: LeaseTrial;
  readonly #store: LeaseStore;
  readonly #key: string;
  readonly #random: SeededRandom;
  #candidacy: Candidacy;
  /** What it holds, or held. */
  #held: LeaseRecord | undefined;
  /** What it saw last. */
  #seen: LeaseRecord | null = null;

  constructor(trial: LeaseTrial, store: LeaseStore, key: string, random: SeededRandom) {
    this.#trial = trial;
    this.#store = store;
    this.#key = key;
    this.#random = random;
    this.#candidacy = trial.lasting(store, key);
  }

  next(): Promise<Exchange> {
    const draw = this.#random();
    if (this.#held === undefined || draw < 0.35) return this.#acquire();
    if (draw < 0.6) return this.#renew(this.#held);
    return draw < 0.85 ? this.#release(this.#held) : this.#read();
  }

  async #acquire(): Promise<Exchange> {
    if (this.#random() < 0.7) this.#candidacy = this.#trial.lasting(this.#store, this.#key);
    const expectDead = this.#random() < 0.5 ? this.#seen?.version : undefined;
    const candidacy = { ...this.#candidacy, expectDead };
    const answer = await this.#store.acquire(candidacy, this.#trial.signal);
    this.#seen = answer.granted ? answer.record : answer.current;
    if (answer.granted) this.#held = answer.record;
    return { asked: 'acquire', candidacy, answer };
  }

  async #renew(held: LeaseRecord): Promise<Exchange> {
    return { asked: 'renew', held, answer: await this.#trial.renew(this.#store, held) };
  }

  async #release(held: LeaseRecord): Promise<Exchange> {
    return { asked: 'release', held, answer: await this.#store.release(held, this.#trial.signal) };
  }

  async #read(): Promise<Exchange> {
    this.#seen = await this.#store.read(this.#key, this.#trial.signal);
    return { asked: 'read', answer: this.#seen };
  }
}
