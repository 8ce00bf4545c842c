import { ensure } from './ensure.ts';
import type { LeaseLaw } from './lease-trial.ts';

/** @internal That tokens rise over whatever loses the leases. */
export function risesOver(lose: (key: string) => unknown): LeaseLaw {
  return async (trial) => {
    const [store, other] = await trial.pair();
    const key = trial.name('key');
    let top = 0n;
    for (let i = 0; i < 4; i++) {
      const { record } = await trial.granted(store, trial.lasting(store, key));
      ensure(record.token > top, 'the token did not rise', top, record.token);
      top = record.token;
      if (i < 2) await trial.released(store, record);
      else {
        // The clock is what is left to know by, and it has to have gone on.
        await trial.setting.waitMs(20);
        await lose(key);
        ensure((await trial.renew(store, record)) === null, 'renewed though it was lost');
        ensure((await other.read(key, trial.signal)) === null, 'there is a record though it was lost');
      }
    }
    const { record } = await trial.granted(other, trial.lasting(other, key));
    ensure(record.token > top, 'the token did not rise, of another instance', top, record.token);
  };
}
