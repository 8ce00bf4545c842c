import { ensure, ensureSame } from './ensure.ts';
import { account, isFree, type LeaseLaw } from './lease-trial.ts';

/** @internal What a holder can do with its lease, and nobody else. */
export const holderLaws: Readonly<Record<string, LeaseLaw>> = {
  async 'renews by key, nonce and token only'(trial) {
    const [store, other] = await trial.pair();
    const key = trial.name('key');
    const { record } = await trial.granted(store, trial.lasting(store, key));
    const strangers = {
      key: { ...record, key: trial.name('key') },
      nonce: { ...record, nonce: trial.name('nonce') },
      'a lower token': { ...record, token: record.token - 1n },
      'a higher token': { ...record, token: record.token + 1n },
    };
    for (const [what, stranger] of Object.entries(strangers))
      ensure((await trial.renew(other, stranger)) === null, 'renewed by another', what);
    ensureSame(account(await trial.held(store, key)), account(record), 'what is held after and before strangers came');
    await trial.renewed(other, record);
  },

  async 'renews whatever version the holder has seen last'(trial) {
    const store = await trial.store();
    const { record } = await trial.granted(store, trial.lasting(store, trial.name('key')));
    await trial.renewed(store, record);
    const latest = await trial.renewed(store, record);
    ensureSame(account(await trial.held(store, record.key)), account(latest), 'what is read and what was renewed');
  },

  async 'answers renewals one by one, in their order'(trial) {
    const store = await trial.store();
    const take = async () => (await trial.granted(store, trial.lasting(store, trial.name('key')))).record;
    const [lost, one, two, three] = [await take(), await take(), await take(), await take()];
    await trial.released(store, lost);
    const foreign = { ...two, nonce: trial.name('nonce') };
    const unknown = { ...two, key: trial.name('key') };
    const held = [three, lost, one, foreign, unknown, two];
    const answers = await store.renew(held, { ttlMs: one.ttlMs }, trial.signal);
    ensureSame(
      answers.map((record) => record?.key ?? null),
      [three.key, null, one.key, null, null, two.key],
      'the answers and the leases that are held',
    );
    ensureSame(await store.renew([], { ttlMs: one.ttlMs }, trial.signal), [], 'the answers to no renewals and nothing');
  },

  async 'keeps data that a renewal does not change'(trial) {
    const store = await trial.store();
    const key = trial.name('key');
    const told = async () => (await trial.held(store, key)).data;
    const { record } = await trial.granted(store, trial.lasting(store, key, { data: 'first' }));
    ensureSame([(await trial.renewed(store, record)).data, await told()], ['first', 'first'], 'kept and given');
    ensureSame(
      [(await trial.renewed(store, record, 'second')).data, await told()],
      ['second', 'second'],
      'new and given',
    );
    ensureSame([(await trial.renewed(store, record)).data, await told()], ['second', 'second'], 'kept and given');
    ensureSame([(await trial.renewed(store, record, '')).data, await told()], ['', ''], 'emptied and given');
    ensureSame([(await trial.renewed(store, record)).data, await told()], ['', ''], 'kept empty and given');
  },

  async 'tells nothing of those who held it before'(trial) {
    const store = await trial.store();
    const key = trial.name('key');
    const { record } = await trial.granted(store, trial.lasting(store, key, { data: 'theirs' }));
    await trial.released(store, record);
    const { record: next } = await trial.granted(store, trial.lasting(store, key));
    ensure(next.data === undefined, 'a grant without data has some', next.data);
    ensure((await trial.held(store, key)).data === undefined, 'a record without data reads with some');
    ensure((await trial.renewed(store, next)).data === undefined, 'a renewal without data brings some');
  },

  async 'frees a lease at once, and tells the next'(trial) {
    const [store, other] = await trial.pair();
    const key = trial.name('key');
    const { record } = await trial.granted(store, trial.lasting(store, key, { data: 'gone' }));
    await trial.released(store, record);
    const left = await other.read(key, trial.signal);
    ensure(isFree(left), 'a released lease has a holder', left?.holder);
    const { predecessor } = await trial.granted(other, trial.lasting(other, key));
    ensure(predecessor === 'released' || predecessor === 'unknown', 'the predecessor was not released', predecessor);
  },

  async 'releases its own lease only, and once'(trial) {
    const [store, other] = await trial.pair();
    const key = trial.name('key');
    const { record } = await trial.granted(store, trial.lasting(store, key));
    for (const stranger of [
      { ...record, nonce: trial.name('nonce') },
      { ...record, token: record.token + 1n },
      { ...record, token: record.token - 1n },
      { ...record, key: trial.name('key') },
    ])
      ensure(!(await other.release(stranger, trial.signal)), 'released by another', stranger);
    const latest = await trial.renewed(store, record);
    await trial.released(other, record);
    ensure(!(await store.release(latest, trial.signal)), 'released twice');
    ensure((await trial.renew(store, latest)) === null, 'renewed what was released');
    const { record: next } = await trial.granted(other, trial.lasting(other, key));
    ensure(!(await store.release(latest, trial.signal)), 'the next lease was released by the holder of the last');
    ensure((await trial.renew(store, latest)) === null, 'the next lease was renewed by the holder of the last');
    await trial.renewed(other, next);
  },

  async 'grants a candidacy anew that has released'(trial) {
    const store = await trial.store();
    const candidacy = trial.lasting(store, trial.name('key'));
    const { record } = await trial.granted(store, candidacy);
    await trial.released(store, record);
    const { record: anew } = await trial.granted(store, candidacy);
    ensure(anew.token > record.token, 'the token did not rise', record.token, anew.token);
    ensure((await trial.renew(store, record)) === null, 'renewed under the token that was released');
  },
};
