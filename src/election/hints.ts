import { onAbort } from '../core/signals.ts';

/** @internal Where hints come from. `tell` and `fail` may be called at any time; what is returned is called once, at the end. */
export type HintSource = (tell: () => void, fail: (error: unknown) => void) => () => void;

type Hint = IteratorResult<undefined, undefined>;

const one: Hint = { done: false, value: undefined };
const end: Hint = { done: true, value: undefined };

/**
 * @internal Hints to read again, conflated: however many come while nobody asks, who asks next gets one. Each iteration
 * opens the source when it begins and closes it when it ends: by the signal, by `fail`, or because its reader leaves.
 */
export function hints(signal: AbortSignal, open: HintSource): AsyncIterable<undefined> {
  return { [Symbol.asyncIterator]: () => iterate(signal, open) };
}

function iterate(signal: AbortSignal, open: HintSource): AsyncIterator<undefined, undefined> {
  let told = false;
  let over: Promise<Hint> | undefined;
  let waken: () => void = () => undefined;
  let changed = new Promise<void>((resolve) => (waken = resolve));
  let close: () => void = () => undefined;

  /** Lets everybody who asks look again. */
  const wake = (): void => {
    waken();
    changed = new Promise((resolve) => (waken = resolve));
  };
  const finish = (how: Promise<Hint>): void => {
    if (over !== undefined) return;
    over = how;
    close();
    wake();
  };
  const closeSource = open(
    () => {
      told = true;
      wake();
    },
    (error) => {
      const failed = Promise.reject<Hint>(error);
      failed.catch(() => undefined); // whoever asks gets it; nobody may
      finish(failed);
    },
  );
  const unlink = onAbort(signal, () => finish(Promise.resolve(end)));
  close = () => {
    unlink();
    closeSource();
  };
  if (over !== undefined) close();

  return {
    async next() {
      while (!told && over === undefined) await changed;
      if (over !== undefined) return await over;
      told = false;
      return one;
    },
    async return() {
      finish(Promise.resolve(end));
      return end;
    },
  };
}
