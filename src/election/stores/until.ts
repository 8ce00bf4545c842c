import { onAbort } from '../../core/signals.ts';

/**
 * @internal The answer to one question, unless the signal aborts first: then its reason, at once, and `letGo`. Asks nothing
 * when the signal is aborted already. What comes of the question after that is dropped.
 */
export function until<T>(signal: AbortSignal, ask: () => PromiseLike<T>, letGo?: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const unlink = onAbort(signal, (reason) => {
      reject(reason);
      letGo?.();
    });
    new Promise<T>((answer) => answer(ask())).then(resolve, reject).finally(unlink);
  });
}
