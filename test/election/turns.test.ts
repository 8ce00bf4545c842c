import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/election/turns.ts';

/** Who asks for turns, and what comes of it. */
function asking(turns: Turns) {
  const log: string[] = [];
  const ends = new Map<string, () => void>();
  const ask = (name: string, signal?: AbortSignal): void => {
    void turns.take(signal).then((end) => {
      log.push(end === undefined ? `${name} goes` : name);
      if (end !== undefined) ends.set(name, end);
    });
  };
  /** What has happened since it was asked. */
  const seen = async (): Promise<string[]> => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return log.splice(0);
  };
  return { ask, seen, end: (name: string) => ends.get(name)!() };
}

describe('turns', () => {
  it('are taken one at a time, in the order of asking; one ends once', async () => {
    const { ask, seen, end } = asking(new Turns());
    for (const name of ['a', 'b', 'c']) ask(name);
    expect(await seen()).toEqual(['a']);
    end('a');
    end('a');
    expect(await seen()).toEqual(['b']);
    end('b');
    expect(await seen()).toEqual(['c']);
    end('c');
    end('b');
    ask('d');
    expect(await seen()).toEqual(['d']);
    ask('e');
    expect(await seen()).toEqual([]);
  });

  it('are not for who has gone, and pass by nobody else; no signal keeps a listener', async () => {
    const { ask, seen, end } = asking(new Turns());
    const leaving = new AbortController();
    const staying = new AbortController();
    ask('gone', AbortSignal.abort());
    ask('a');
    ask('b', leaving.signal);
    ask('c', staying.signal);
    ask('d');
    expect(await seen()).toEqual(['gone goes', 'a']);
    leaving.abort();
    expect(await seen()).toEqual(['b goes']);
    end('a');
    expect(await seen()).toEqual(['c']);
    for (const { signal } of [leaving, staying]) expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    staying.abort(); // who has his turn is not asked to go by it
    end('c');
    expect(await seen()).toEqual(['d']);
  });

  it('end for all who wait when there are no more, not for who has his', async () => {
    const turns = new Turns();
    const { ask, seen, end } = asking(turns);
    const waiting = new AbortController();
    for (const name of ['a', 'b']) ask(name);
    ask('c', waiting.signal);
    await seen();
    end('a');
    expect(await seen()).toEqual(['b']);
    turns.close();
    turns.close();
    expect(await seen()).toEqual(['c goes']);
    expect(getEventListeners(waiting.signal, 'abort')).toHaveLength(0);
    end('b');
    expect(await seen()).toEqual([]);
  });
});
