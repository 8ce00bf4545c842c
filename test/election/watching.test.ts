/* A store's watch, kept up. */

import { seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { hints } from '../../src/election/hints.ts';
import { Watching } from '../../src/election/watching.ts';

const pauseMs = 1_000;
const nothing = (): void => undefined;

/** A watch whose source is the test's. */
function watching(chance: () => number = seededRandom(1)) {
  const clock = new VirtualClock();
  const opened: { readonly atMs: number; readonly signal: AbortSignal }[] = [];
  const source = { tell: nothing, fail: nothing as (error: unknown) => void, refuses: false };
  const open = (signal: AbortSignal): AsyncIterable<unknown> => {
    opened.push({ atMs: clock.now(), signal });
    if (source.refuses) throw new Error('refused');
    return hints(signal, (tell, fail) => {
      Object.assign(source, { tell, fail });
      return () => undefined;
    });
  };
  const told: string[] = [];
  const watch = new Watching(open, pauseMs, { clock, random: chance }, (event) =>
    told.push(event.type === 'hint' ? 'hint' : event.on ? 'on' : 'off'),
  );
  /** What was told since it was asked. */
  const heard = async (afterMs = 0): Promise<string[]> => {
    await clock.advance(afterMs);
    return told.splice(0);
  };
  return { clock, watch, opened, source, heard };
}

describe('a watch', () => {
  it('works from its first hint on, and says so once', async () => {
    const { clock, watch, opened, source, heard } = watching();
    watch.start();
    watch.start();
    expect(await heard(10_000)).toEqual([]);
    source.tell();
    expect(await heard()).toEqual(['on', 'hint']);
    source.tell();
    expect(await heard()).toEqual(['hint']);
    expect([opened.length, clock.pending]).toEqual([1, 0]);
    watch.stop();
  });

  it.each([
    [0, 500],
    [0.5, 1_000],
    [0.75, 1_250],
  ])('that breaks is opened again after a pause, a little by chance (%f)', async (chance, afterMs) => {
    const { watch, opened, source, heard } = watching(() => chance);
    source.refuses = true;
    watch.start();
    expect(await heard()).toEqual(['off']);
    source.refuses = false;
    await heard(afterMs - 1);
    expect(opened.map(({ atMs }) => atMs)).toEqual([0]);
    await heard(1);
    source.tell();
    expect(await heard()).toEqual(['on', 'hint']);
    source.fail(new Error('broken'));
    expect(await heard()).toEqual(['off']);
    await heard(afterMs);
    expect(opened.map(({ atMs }) => atMs)).toEqual([0, afterMs, 2 * afterMs]);
    source.tell();
    expect(await heard()).toEqual(['on', 'hint']);
    watch.stop();
  });

  it('that is stopped tells nothing more, and leaves nothing behind, in a pause too', async () => {
    const { clock, watch, opened, source, heard } = watching();
    watch.stop();
    watch.start();
    source.tell();
    watch.stop();
    watch.stop();
    source.tell();
    expect(await heard(10_000)).toEqual([]);
    expect([opened[0]!.signal.aborted, clock.pending, opened.length]).toEqual([true, 0, 1]);
    watch.start();
    expect(opened).toHaveLength(2);
    source.fail(new Error('broken'));
    expect(await heard()).toEqual(['off']);
    expect(clock.pending).toBe(1);
    watch.stop();
    expect(await heard()).toEqual([]);
    expect(clock.pending).toBe(0);
    await clock.advance(10_000);
    expect(opened).toHaveLength(2);
  });

  it('that goes on after its end is not heard', async () => {
    const clock = new VirtualClock();
    let tell = nothing;
    async function* deaf(): AsyncGenerator<number> {
      await new Promise<void>((resolve) => (tell = resolve));
      yield 1;
    }
    const told: unknown[] = [];
    const watch = new Watching(deaf, pauseMs, { clock, random: seededRandom(1) }, (event) => told.push(event));
    watch.start();
    await clock.advance(0);
    watch.stop();
    tell();
    await clock.advance(10_000);
    expect(told).toEqual([]);
  });
});
