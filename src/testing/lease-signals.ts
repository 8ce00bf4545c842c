import type { LeaseStore } from '../election/index.ts';
import { ensure } from './ensure.ts';
import type { LeaseLaw, LeaseTrial } from './lease-trial.ts';

/** @internal How calls and watches end, and what a watch tells. */
export const signalLaws: Readonly<Record<string, LeaseLaw>> = {
  async 'does nothing for a signal that is aborted already'(trial) {
    const store = await trial.store();
    const { record } = await trial.granted(store, trial.lasting(store, trial.name('key'), { data: 'before' }));
    const wanted = trial.lasting(store, trial.name('key'));
    const signal = AbortSignal.abort(reason);
    const calls = {
      acquire: () => store.acquire(wanted, signal),
      renew: () => store.renew([record], { ttlMs: record.ttlMs, data: 'after' }, signal),
      release: () => store.release(record, signal),
      read: () => store.read(record.key, signal),
    };
    for (const [what, call] of Object.entries(calls)) {
      const outcome = await trial.settled<unknown>(call(), what);
      ensure(outcome.status === 'rejected', 'a call with an aborted signal is answered', what);
      ensure(outcome.status === 'rejected' && outcome.reason === reason, 'rejected with another reason', what);
    }
    const left = await store.read(wanted.key, trial.signal);
    ensure(left === null, 'a lease was taken though the signal was aborted', left);
    const kept = await trial.held(store, record.key);
    ensure(kept.version === record.version, 'a lease was changed though the signal was aborted', kept.data);
  },

  async 'settles at once when the signal aborts, and leaves a lease that is somebody’s'(trial) {
    const [store, other] = await trial.pair();
    for (let turns = 0; turns < 5; turns++) {
      const { signal, abort } = abortable();
      const candidacy = trial.lasting(store, trial.name('key'));
      const call = store.acquire(candidacy, signal);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      abort();
      const outcome = await trial.settled(call, 'acquire');
      if (outcome.status === 'rejected') ensure(outcome.reason === reason, 'rejected with another reason');
      // Nobody knows whether it was done. The candidacy itself can find out, and then it is the holder.
      const { record } = await trial.granted(other, candidacy);
      await trial.released(other, record);
    }
  },

  async 'watch: ends when the signal aborts, without an error'(trial) {
    const store = await trial.store();
    if (store.watch === undefined) return;
    for (const early of [true, false]) {
      const { signal, abort } = abortable();
      if (early) abort();
      const ended = follow(store, trial.name('key'), signal).ended;
      if (!early) {
        await trial.setting.waitMs(1);
        abort();
      }
      const outcome = await trial.settled(ended, 'watch');
      ensure(
        outcome.status === 'fulfilled',
        'a watch that was ended fails',
        String((outcome as { reason?: unknown }).reason),
      );
    }
  },

  async 'watch: hints at what another does'(trial) {
    const [store, other] = await trial.pair();
    if (store.watch === undefined) return;
    const key = trial.name('key');
    const { signal, abort } = abortable();
    const watch = follow(store, key, signal);
    const { hintWithinMs } = trial.setting;
    const take = async () => (await trial.granted(other, trial.lasting(other, key))).record;
    try {
      // Until the first hint nobody knows whether the watch has begun.
      const begun = await trial.eventually(hintWithinMs, async () => {
        await trial.released(other, await take());
        return watch.hints > 0 ? true : undefined;
      });
      ensure(begun === true, 'no hint at all', hintWithinMs);
      await quiet(trial, watch);
      const record = await hinted(trial, watch, 'a grant', take);
      await quiet(trial, watch);
      await hinted(trial, watch, 'a release', () => trial.released(other, record));
    } finally {
      abort();
    }
    await trial.settled(watch.ended, 'watch');
  },
};

const reason = new Error('called off by the suite');

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(reason) };
}

interface Watch {
  /** So far. */
  hints: number;
  readonly ended: Promise<void>;
}

function follow(store: LeaseStore, key: string, signal: AbortSignal): Watch {
  const watch = { hints: 0 };
  const reading = async (): Promise<void> => {
    const iterator = store.watch!(key, signal)[Symbol.asyncIterator]();
    while ((await iterator.next()).done !== true) watch.hints++;
  };
  return Object.assign(watch, { ended: reading() });
}

/** Waits for the hints of before. */
async function quiet(trial: LeaseTrial, watch: Watch): Promise<void> {
  let before = -1;
  await trial.eventually(trial.setting.hintWithinMs, () => {
    const calm = before === watch.hints;
    before = watch.hints;
    return calm ? true : undefined;
  });
}

async function hinted<T>(trial: LeaseTrial, watch: Watch, what: string, act: () => Promise<T>): Promise<T> {
  const before = watch.hints;
  const result = await act();
  const found = await trial.eventually(trial.setting.hintWithinMs, () => (watch.hints > before ? true : undefined));
  ensure(found === true, 'no hint', what, trial.setting.hintWithinMs);
  return result;
}
