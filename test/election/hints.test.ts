/* Hints, and the source that they come from. */

import { describe, expect, it } from 'vitest';
import { hints } from '../../src/election/hints.ts';

const nothing = (): void => undefined;

/** A source that is seen: how often it was opened and closed, and what it may say. */
function source(begin: (tell: () => void, fail: (error: unknown) => void) => void = nothing) {
  const seen = { opened: 0, closed: 0, tell: nothing, fail: nothing as (error: unknown) => void };
  const open = (tell: () => void, fail: (error: unknown) => void): (() => void) => {
    seen.opened++;
    Object.assign(seen, { tell, fail });
    begin(tell, fail);
    return () => {
      seen.closed++;
    };
  };
  return { seen, open };
}

const done = { done: true, value: undefined };

describe('a source of hints', () => {
  it('is closed once, whatever ends it and how often', async () => {
    const ending = new AbortController();
    const { seen, open } = source();
    const reader = hints(ending.signal, open)[Symbol.asyncIterator]();
    const waiting = reader.next();
    expect([seen.opened, seen.closed]).toEqual([1, 0]);
    ending.abort();
    expect(await waiting).toEqual(done);
    seen.fail(new Error('late'));
    expect([await reader.return!(), await reader.next()]).toEqual([done, done]);
    expect([seen.opened, seen.closed]).toEqual([1, 1]);
  });

  it('that fails ends who waits and who comes later with its error, the first', async () => {
    const { seen, open } = source();
    const reader = hints(new AbortController().signal, open)[Symbol.asyncIterator]();
    const waiting = reader.next();
    seen.fail(new Error('broken'));
    seen.fail(new Error('again'));
    for (const each of [waiting, reader.next()]) await expect(each).rejects.toMatchObject({ message: 'broken' });
    expect(seen.closed).toBe(1);
  });

  it.each(['fails as it opens', 'is opened for a signal that has aborted'])('that %s is closed too', async (how) => {
    const fails = how.startsWith('fails');
    const { seen, open } = source((_, fail) => {
      if (fails) fail(new Error('no way in'));
    });
    const reader = hints(fails ? new AbortController().signal : AbortSignal.abort(), open)[Symbol.asyncIterator]();
    expect(seen.closed).toBe(1);
    const next = await reader.next().catch((error: unknown) => error);
    expect(next).toEqual(fails ? new Error('no way in') : done);
    await reader.return!();
    expect(seen.closed).toBe(1);
  });

  it('tells at most once of what happened while nobody asked, and no more when it is over', async () => {
    const { seen, open } = source((tell) => {
      tell();
    });
    const reader = hints(new AbortController().signal, open)[Symbol.asyncIterator]();
    seen.tell();
    expect(await reader.next()).toEqual({ done: false, value: undefined });
    const waiting = reader.next();
    expect(await Promise.race([waiting, Promise.resolve('nothing')])).toBe('nothing');
    seen.tell();
    expect(await waiting).toEqual({ done: false, value: undefined });
    seen.tell();
    expect([await reader.return!(), await reader.next()]).toEqual([done, done]);
  });
});
