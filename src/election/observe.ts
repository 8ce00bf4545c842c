import { deadlineExceeded } from '../core/deadline.ts';
import { onAbort, type Unlink } from '../core/signals.ts';
import type { Runtime } from '../core/runtime.ts';
import { type LeaderInfo, leaderOf } from './leader-info.ts';
import type { LeaseRecord, LeaseStore } from './lease-store.ts';
import type { ElectionSettings } from './options.ts';
import type { Timing } from './rules.ts';
import { look } from './store-calls.ts';
import { Watching } from './watching.ts';

/** @internal Who leads, until a signal aborts or the reader leaves: either ends it at once, whatever the store does. */
export function observe<Meta>(
  store: LeaseStore,
  { name, timing, runtime }: Pick<ElectionSettings, 'name' | 'timing' | 'runtime'>,
  signals: readonly (AbortSignal | undefined)[],
): AsyncIterableIterator<LeaderInfo<Meta> | null> {
  const ending = new AbortController();
  const shown = observed<Meta>(store, name, timing, runtime, ending.signal);
  const unlinks: Unlink[] = [];
  const end = (): void => {
    for (const unlink of unlinks) unlink();
    ending.abort();
    // One that nobody waits for has not heard of it.
    void shown.return();
  };
  for (const signal of signals) if (!ending.signal.aborted) unlinks.push(onAbort(signal, end));
  const iterator: AsyncIterableIterator<LeaderInfo<Meta> | null> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => shown.next(),
    // Not the generator's own, which waits for what is under way.
    return: () => {
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return iterator;
}

/**
 * Who leads, again and again: what is read, when the store's watch hints at a change or a while has passed. Conflated:
 * a slow reader gets the newest. Tokens never go back: an answer of a replica that lags is passed over.
 */
async function* observed<Meta>(
  store: LeaseStore,
  key: string,
  { renewMs, requestMs, ttlMs }: Timing,
  runtime: Runtime,
  signal: AbortSignal,
): AsyncGenerator<LeaderInfo<Meta> | null, void, undefined> {
  const { clock } = runtime;
  const bell = { rung: true, watched: false, ring: (): void => undefined };
  const nudge = (): void => {
    bell.rung = true;
    bell.ring();
  };
  const watching =
    store.watch &&
    new Watching(
      (end) => store.watch!(key, end),
      renewMs,
      runtime,
      (event) => {
        if (event.type === 'watching') bell.watched = event.on;
        nudge();
      },
    );
  watching?.start();
  const unlink = onAbort(signal, nudge);
  let shown: string | undefined;
  let token = 0n;
  let seen: { readonly version: string; readonly sinceMs: number } | undefined;
  const over = (): boolean => signal.aborted;
  try {
    while (!over()) {
      bell.rung = false;
      const record = await readOnce(store, key, requestMs, runtime, signal);
      if (over()) return;
      if (record !== undefined && (record === null || record.token >= token)) {
        const nowMs = clock.now();
        if (record !== null && seen?.version !== record.version) seen = { version: record.version, sinceMs: nowMs };
        // Where observers expire leases, what has not changed for its length is dead.
        const dead = store.expiry === 'observer' && record !== null && nowMs - seen!.sinceMs >= record.ttlMs;
        const leader = dead ? null : leaderOf<Meta>(record);
        if (record !== null) token = record.token;
        const shows = JSON.stringify([leader?.id, String(leader?.token), leader?.meta]);
        if (shows !== shown) yield leader;
        shown = shows;
      }
      if (isRung(bell) || over()) continue;
      // An expiry is no write, and nobody hints at it.
      const waitMs =
        bell.watched && store.expiry === 'server' ? Math.min(ttlMs, record?.remainingMs ?? ttlMs) : renewMs;
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(waitMs, () => bell.ring(), { ref: true });
        bell.ring = () => {
          timer.cancel();
          resolve();
        };
      });
    }
  } finally {
    unlink();
    watching?.stop();
  }
}

/** A function, for who rings is not seen by the type checker. */
const isRung = ({ rung }: { readonly rung: boolean }): boolean => rung;

/** One look; undefined: no answer. */
function readOnce(
  store: LeaseStore,
  key: string,
  requestMs: number,
  { clock }: Runtime,
  signal: AbortSignal,
): Promise<LeaseRecord | null | undefined> {
  const controller = new AbortController();
  return new Promise((resolve) => {
    const end = (record: LeaseRecord | null | undefined): void => {
      timer.cancel();
      unlink();
      resolve(record);
    };
    const giveUp = (reason: unknown): void => {
      end(undefined);
      controller.abort(reason);
    };
    const timer = clock.setTimer(
      requestMs,
      () => {
        giveUp(deadlineExceeded('a call to the lease store'));
      },
      { ref: true },
    );
    const unlink = onAbort(signal, giveUp);
    Promise.resolve()
      .then(() => look(store, key, controller.signal))
      .then(end, () => {
        end(undefined);
      });
  });
}
