/* Many watches over one source, which is played here. */
import { describe, expect, it } from 'vitest';
import { closed, SharedHints, type SharedSource, sourceEnded } from '../../../src/election/stores/shared-hints.ts';

const hint = { done: false, value: undefined };
const done = { done: true, value: undefined };

/** A source each time that one is asked for, and what it says when it is open, or is not to be had. */
function played() {
  const sources: (SharedSource & { readonly opened: () => void; readonly refused: (error: unknown) => void })[] = [];
  const shared = new SharedHints(
    (source) =>
      new Promise<void>((resolve, reject) => {
        sources.push({ ...source, opened: resolve, refused: reject });
      }),
  );
  const watch = (key: string, signal: AbortSignal = new AbortController().signal): AsyncIterator<undefined> =>
    shared.watch(key, signal)[Symbol.asyncIterator]();
  return { sources, shared, watch };
}

/** Lets everything be told that is under way. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a reader is told now: a hint, the end, or an error; 'nothing' while it waits. */
async function heard(reader: AsyncIterator<undefined>): Promise<unknown> {
  const told = reader.next().catch((error: unknown) => error);
  return await Promise.race([told, settled().then(() => 'nothing')]);
}

describe('watches that share a source', () => {
  it('open it once, and close it with the last of them', async () => {
    const { sources, watch } = played();
    const ending = new AbortController();
    const [one, two] = [watch('a', ending.signal), watch('b')];
    expect(sources).toHaveLength(1);
    const [source] = sources;
    source!.opened();
    expect([await heard(one), await heard(two)]).toEqual([hint, hint]);
    ending.abort();
    expect(await heard(one)).toEqual(done);
    expect(source!.signal.aborted).toBe(false);
    source!.tell('');
    expect(await heard(two)).toEqual(hint);
    await two.return!();
    expect(source!.signal.aborted).toBe(true);
    expect(sources).toHaveLength(1);
  });

  it('have their first hint when it is open, and not before', async () => {
    const { sources, watch } = played();
    const [early, other] = [watch('a'), watch('a')];
    const [source] = sources;
    source!.tell('');
    expect([await heard(early), await heard(other)]).toEqual(['nothing', 'nothing']);
    source!.opened();
    await settled();
    const late = watch('a');
    // Each had asked once before: that question has the hint.
    expect([await heard(late), await heard(late)]).toEqual([hint, 'nothing']);
    expect(sources).toHaveLength(1);
  });

  it('hear of the keys that begin with what was told', async () => {
    const { sources, watch } = played();
    const keys = ['team:a', 'team:b', 'a:team'];
    const readers = keys.map((key) => watch(key));
    const [source] = sources;
    source!.opened();
    const all = (): Promise<unknown[]> => Promise.all(readers.map((reader) => heard(reader)));
    expect(await all()).toEqual([hint, hint, hint]);
    source!.tell('team');
    expect(await all()).toEqual([hint, hint, 'nothing']);
    source!.tell('team:b');
    const [, second, third] = readers;
    expect([await heard(second!), await heard(third!)]).toEqual([hint, 'nothing']);
  });

  it.each(['breaks', 'cannot be opened', 'is closed'])(
    'end together when it %s, and the next opens another',
    async (how) => {
      const { sources, shared, watch } = played();
      const readers = [watch('a'), watch('b')];
      const [source] = sources;
      const error = how === 'is closed' ? closed() : new Error('lost');
      if (how === 'breaks') source!.broken(error);
      else if (how === 'is closed') shared.close();
      else source!.refused(error);
      for (const reader of readers) expect(await heard(reader)).toEqual(error);
      expect(source!.signal.aborted).toBe(true);
      const next = watch('a');
      expect(sources).toHaveLength(2);
      sources[1]!.opened();
      expect(await heard(next)).toEqual(hint);
    },
  );

  it('drop what a source still says that nobody listens to any more', async () => {
    const { sources, watch } = played();
    await watch('a').return!();
    const [old] = sources;
    expect(old!.signal.aborted).toBe(true);
    const next = watch('a');
    expect(sources).toHaveLength(2);
    old!.opened();
    old!.tell('');
    expect(await heard(next)).toBe('nothing');
    old!.tell('');
    old!.broken(new Error('late'));
    sources[1]!.opened();
    await settled();
    const another = watch('a');
    expect(await heard(another)).toEqual(hint);
    expect(sources[1]!.signal.aborted).toBe(false);
  });

  it('open nothing for a signal that has aborted', async () => {
    const { sources, watch } = played();
    expect(await heard(watch('a', AbortSignal.abort()))).toEqual(done);
    expect(sources).toEqual([]);
  });

  it('are closed also where there are none', () => {
    const { sources, shared } = played();
    shared.close();
    expect(sources).toEqual([]);
  });
});

it('an end says what was closed', () => {
  expect(closed()).toMatchObject({ code: 'CLOSED', message: 'the store was closed while it was watched' });
  expect(sourceEnded('the connection')).toMatchObject({
    code: 'STORE_FAILED',
    message: 'the connection was closed: nothing of what changes is told any more',
  });
});
