import { ensure } from './ensure.ts';
import type { LeaseLaw } from './lease-trial.ts';

/** @internal How a lease ends that its holder does not renew. Those of one kind of store say nothing of the other. */
export const endLaws: Readonly<Record<string, LeaseLaw>> = {
  async 'lets another take over from who is dead, under a higher token'(trial) {
    const [store, other] = await trial.pair();
    const key = trial.name('key');
    const { record: dead } = await trial.granted(store, trial.brief(store, key));
    const { record, predecessor } = await trial.overtaken(other, dead, trial.lasting(other, key));
    ensure(record.token > dead.token, 'the token did not rise', dead.token, record.token);
    ensure(predecessor === 'expired' || predecessor === 'unknown', 'the predecessor did not expire', predecessor);
    ensure((await trial.renew(store, dead)) === null, 'who was overtaken could renew');
    ensure(!(await store.release(dead, trial.signal)), 'who was overtaken could release');
    await trial.renewed(other, record);
  },

  async 'lets one of many take over'(trial) {
    const stores = [...(await trial.pair()), ...(await trial.pair())];
    const key = trial.name('key');
    const { record: dead } = await trial.granted(stores[0]!, trial.brief(stores[0]!, key));
    if (stores[0]!.expiry === 'server') await trial.expired(stores[0]!, dead);
    const race = Array.from({ length: 20 }, (_, i) => {
      const store = stores[i % stores.length]!;
      return store.acquire({ ...trial.lasting(store, key), expectDead: dead.version }, trial.signal);
    });
    const winners = (await Promise.all(race)).filter(({ granted }) => granted);
    ensure(winners.length === 1, 'grants of one lease', winners.length);
  },

  async 'server: a lease that is over cannot be renewed'(trial) {
    const store = await trial.store();
    if (store.expiry !== 'server') return;
    const { record } = await trial.granted(store, trial.brief(store, trial.name('key')));
    await trial.expired(store, record);
    ensure((await trial.renew(store, record)) === null, 'renewed though it was over');
    ensure((await store.read(record.key, trial.signal)) === null, 'back though it was over');
  },

  async 'server: a renewal prolongs the lease by its own length'(trial) {
    const [store, other] = await trial.pair();
    if (store.expiry !== 'server') return;
    const key = trial.name('key');
    const { record } = await trial.granted(store, trial.brief(store, key));
    const { ttlMs } = trial.lasting(store, key);
    const [longer] = await store.renew([record], { ttlMs }, trial.signal);
    ensure((longer?.ttlMs ?? 0) >= ttlMs, 'renewed for less than was asked for', longer?.ttlMs, ttlMs);
    if (ttlMs < 3 * record.ttlMs) return;
    await trial.setting.waitMs(2 * record.ttlMs);
    await trial.denied(other, trial.lasting(other, key));
    await trial.renewed(store, record);
  },

  async 'server: a candidate cannot declare a lease dead'(trial) {
    const store = await trial.store();
    if (store.expiry !== 'server') return;
    const { record } = await trial.granted(store, trial.lasting(store, trial.name('key')));
    await trial.denied(store, trial.lasting(store, record.key, { expectDead: record.version }));
  },

  async 'server: tells how long a lease has left, if it does'(trial) {
    const store = await trial.store();
    const { record } = await trial.granted(store, trial.lasting(store, trial.name('key')));
    for (const { remainingMs, ttlMs } of [record, await trial.held(store, record.key)]) {
      if (remainingMs === undefined) continue;
      ensure(store.expiry === 'server', 'a store that does not expire leases knows when they are over', remainingMs);
      ensure(remainingMs > 0 && remainingMs <= ttlMs, 'what is left is not within the length', remainingMs, ttlMs);
    }
  },

  async 'observer: a lease lasts until a candidate declares it dead'(trial) {
    const store = await trial.store();
    if (store.expiry !== 'observer') return;
    const { record } = await trial.granted(store, trial.brief(store, trial.name('key')));
    await trial.setting.waitMs(2 * record.ttlMs);
    await trial.denied(store, trial.lasting(store, record.key));
    await trial.renewed(store, record);
  },

  async 'observer: declares dead by the present version only'(trial) {
    const [store, other] = await trial.pair();
    if (store.expiry !== 'observer') return;
    const key = trial.name('key');
    const { record: first } = await trial.granted(store, trial.lasting(store, key));
    const renewed = await trial.renewed(store, first);
    const { current } = await trial.denied(other, trial.lasting(other, key, { expectDead: first.version }));
    ensure(
      current?.version === renewed.version,
      'a denial tells of another version',
      current?.version,
      renewed.version,
    );
    await trial.denied(other, trial.lasting(other, key, { expectDead: trial.name('version') }));
    await trial.denied(other, trial.lasting(other, key, { expectDead: '' }));
    await trial.renewed(store, first);
  },

  async 'observer: a renewal or a take-over, never both'(trial) {
    const [store, other] = await trial.pair();
    if (store.expiry !== 'observer') return;
    for (let round = 0; round < 10; round++) {
      const key = trial.name('key');
      const { record } = await trial.granted(store, trial.lasting(store, key));
      const renew = () => trial.renew(store, record);
      const takeOver = () => other.acquire(trial.lasting(other, key, { expectDead: record.version }), trial.signal);
      const [kept, taken] =
        round % 2 === 0
          ? await Promise.all([renew(), takeOver()])
          : await Promise.all([takeOver(), renew()]).then(([one, two]) => [two, one] as const);
      ensure((kept === null) === taken.granted, 'renewed and taken over', kept !== null, taken.granted);
    }
  },
};
