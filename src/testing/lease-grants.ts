import { ensure, ensureSame } from './ensure.ts';
import { account, type LeaseLaw } from './lease-trial.ts';

const racers = 20;

/** @internal Who gets a lease, and under which token. */
export const grantLaws: Readonly<Record<string, LeaseLaw>> = {
  async 'says what it can do'(trial) {
    const { expiry, durability, limits } = await trial.store();
    const { minTtlMs, maxTtlMs = Infinity, stepMs } = limits;
    ensure(['server', 'observer'].includes(expiry), 'unknown expiry', expiry);
    ensure(['linearizable', 'best-effort'].includes(durability), 'unknown durability', durability);
    ensure(Number.isInteger(stepMs) && stepMs >= 1, 'stepMs is no whole number of milliseconds', stepMs);
    ensure(Number.isFinite(minTtlMs) && minTtlMs >= 1, 'minTtlMs is no length', minTtlMs);
    ensure(minTtlMs % stepMs === 0, 'minTtlMs is no multiple of stepMs', minTtlMs, stepMs);
    ensure(maxTtlMs >= minTtlMs, 'maxTtlMs is below minTtlMs', maxTtlMs, minTtlMs);
  },

  async 'knows nothing of a lease that was never held'(trial) {
    const store = await trial.store();
    const key = trial.name('key');
    ensure((await store.read(key, trial.signal)) === null, 'there is a record');
    const { predecessor } = await trial.granted(store, trial.lasting(store, key));
    ensure(predecessor === 'none' || predecessor === 'unknown', 'the first grant has a predecessor', predecessor);
  },

  async 'grants one of many racers'(trial) {
    const stores = [...(await trial.pair()), ...(await trial.pair())];
    for (let round = 0; round < 3; round++) {
      const key = trial.name('key');
      const race = Array.from({ length: racers }, (_, i) => {
        const store = stores[i % stores.length]!;
        return store.acquire(trial.lasting(store, key), trial.signal);
      });
      const winners = (await Promise.all(race)).filter(({ granted }) => granted);
      ensure(winners.length === 1, 'grants of one lease', winners.length);
    }
  },

  async 'tells who is denied whose the lease is'(trial) {
    const [store, other] = await trial.pair();
    const key = trial.name('key');
    const { record } = await trial.granted(store, trial.lasting(store, key, { data: 'at home' }));
    const { current } = await trial.denied(other, trial.lasting(other, key));
    ensureSame(account(current), account(record), 'what a denial tells and what was granted');
    ensureSame(account(await trial.held(other, key)), account(record), 'what is read and what was granted');
  },

  async 'grants the same candidacy again, under the same token'(trial) {
    const [store, other] = await trial.pair();
    const candidacy = trial.lasting(store, trial.name('key'), { data: 'at home' });
    const { record: first } = await trial.granted(store, candidacy);
    const { record: again } = await trial.granted(other, candidacy);
    ensure(again.token === first.token, 'the token changed', first.token, again.token);
    ensure(again.version !== first.version, 'it was not renewed: the version is the same', again.version);
    ensureSame(again.data, first.data, 'the data granted again and first');
    await trial.renewed(store, first);
  },

  async 'denies another candidacy of the same holder'(trial) {
    const store = await trial.store();
    const candidacy = trial.lasting(store, trial.name('key'));
    await trial.granted(store, candidacy);
    await trial.denied(store, { ...candidacy, nonce: trial.name('nonce') });
  },

  async 'keeps elections apart'(trial) {
    const store = await trial.store();
    const { record: one } = await trial.granted(store, trial.lasting(store, trial.name('key')));
    const { record: two } = await trial.granted(store, trial.lasting(store, trial.name('key')));
    await trial.released(store, one);
    await trial.renewed(store, two);
  },

  async 'raises the token with each grant, of whichever instance'(trial) {
    const stores = [...(await trial.pair()), await trial.store()];
    const key = trial.name('key');
    let top = 0n;
    for (let i = 0; i < 9; i++) {
      const store = stores[i % stores.length]!;
      const { record } = await trial.granted(store, trial.lasting(store, key));
      ensure(typeof record.token === 'bigint', 'the token is no bigint', typeof record.token);
      ensure(record.token > top, 'the token is not above 0 and all before', top, record.token);
      top = record.token;
      await trial.released(stores[(i + 1) % stores.length]!, record);
    }
  },

  async 'gives every write another version'(trial) {
    const store = await trial.store();
    const candidacy = trial.lasting(store, trial.name('key'));
    const { record } = await trial.granted(store, candidacy);
    const versions = [record.version];
    for (let i = 0; i < 3; i++) versions.push((await trial.renewed(store, record)).version);
    versions.push((await trial.granted(store, candidacy)).record.version);
    await trial.released(store, record);
    const gone = await store.read(candidacy.key, trial.signal);
    if (gone !== null) versions.push(gone.version);
    versions.push((await trial.granted(store, trial.lasting(store, candidacy.key))).record.version);
    ensure(new Set(versions).size === versions.length, 'a version came twice', ...versions);
  },
};
