import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { until } from '../../../src/election/stores/until.ts';

const never = (): Promise<never> => new Promise(() => undefined);

describe('a question that may be given up', () => {
  it.each([
    ['answered', () => Promise.resolve(7), 7],
    ['refused', () => Promise.reject(new Error('no')), new Error('no')],
    [
      'not even asked, for that throws',
      () => {
        throw new Error('unheard of');
      },
      new Error('unheard of'),
    ],
  ])('says so when it is %s, and leaves no listener', async (_, ask, expected) => {
    const { signal } = new AbortController();
    let letGo = 0;
    const told = until<number>(signal, ask, () => letGo++);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    expect(await told.catch((error: unknown) => error)).toEqual(expected);
    await Promise.resolve(); // the listener goes behind the answer
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(letGo).toBe(0);
  });

  it('ends with the reason of its signal at once, and lets go, where there is what to let go', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let letGo = 0;
    const told = [until(controller.signal, never), until(controller.signal, never, () => letGo++)];
    controller.abort(reason);
    expect(letGo).toBe(1);
    for (const each of told) await expect(each).rejects.toBe(reason);
  });

  it('is not asked when its signal has aborted', async () => {
    const reason = new Error('too late');
    let asked = 0;
    let letGo = 0;
    const ask = (): Promise<never> => {
      asked++;
      return never();
    };
    await expect(until(AbortSignal.abort(reason), ask, () => letGo++)).rejects.toBe(reason);
    expect([asked, letGo]).toEqual([0, 0]);
  });
});
