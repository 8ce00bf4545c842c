import { type Delivery, each, type EachRetry, FlowEvents, flow, values } from 'holdfast/flow';
import { failOnLeaks, VirtualClock } from 'holdfast/testing';
import { describe, expect, it, vi } from 'vitest';
import { rejectionOf, steady } from '../support/serving.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';
import { readUntil, settled, source, type Told, upTo } from './support.ts';

const warnings = recordWarnings();

describe('values', () => {
  it('acknowledges a value when the next one is asked for, and the last one at the end', async () => {
    const of = source(3);
    const log: string[] = [];
    for await (const n of values(of.flow)) {
      log.push(`${String(n)} ${of.told.join('')}`);
    }
    expect(log).toEqual(['0 ', '1 +0', '2 +0+1']);
    expect(of.told).toEqual(['+0', '+1', '+2']);
  });

  it.each(['break', 'throw', 'return'])('nacks the value at hand when the loop ends by %s', async (how) => {
    const of = source(5);
    const loop = async (): Promise<void> => {
      for await (const n of values(of.flow)) {
        if (n < 2) continue;
        if (how === 'break') break;
        if (how === 'return') return;
        throw new Error('thrown');
      }
    };
    await loop().catch(() => undefined);
    await settled();
    expect([of.told, of.closed, of.read]).toEqual([['+0', '+1', '-2'], 1, 3]);
    expect(of.reasons.map(String)).toEqual(['HoldfastError: the flow was left before the delivery was dealt with']);
  });

  it('throws what its source or an acknowledgement throws', async () => {
    const loop = (of: Told): Promise<number> => readUntil(values(of.flow));
    const failing = source(2, 'fails');
    await expect(loop(failing)).rejects.toMatchObject({ message: 'broken' });
    expect(failing.told).toEqual(['+0', '+1']);
    const lost = source(3, 'ends', { ack: () => Promise.reject(new Error('lost')) });
    await expect(loop(lost)).rejects.toMatchObject({ message: 'lost' });
    expect([lost.read, lost.closed]).toEqual([1, 1]);
  });

  it('ends by a signal when the value at hand is dealt with, or at once when it waits for one', async () => {
    await failOnLeaks(async ({ signal, abort }) => {
      const of = source(2, 'hangs');
      const loop = async (): Promise<void> => {
        await readUntil(values(of.flow, { signal }), () => settled().then(() => false));
      };
      const ending = rejectionOf(loop);
      for (let i = 0; i < 5; i++) await settled();
      expect(of.told).toEqual(['+0', '+1']);
      abort('bye');
      expect(await ending).toBe('bye');
      expect(of.closed).toBe(1);
    });
    await failOnLeaks(async ({ signal, abort }) => {
      const of = source(5);
      const loop = async (): Promise<void> => {
        for await (const n of values(of.flow, { signal })) if (n === 1) abort('bye');
      };
      expect(await rejectionOf(loop)).toBe('bye');
      expect([of.told, of.closed]).toEqual([['+0', '+1'], 1]);
      const after = source(1);
      expect(
        await rejectionOf(async () => {
          await readUntil(values(after.flow, { signal }));
        }),
      ).toBe('bye');
      expect([after.read, after.closed]).toEqual([0, 1]);
    });
  });

  it('serves those who ask twice without waiting', async () => {
    const of = source(2);
    const iterator = values(of.flow)[Symbol.asyncIterator]();
    const results = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
    expect(results.map(({ done, value }) => (done === true ? 'end' : value))).toEqual([0, 1, 'end', 'end']);
    expect(of.told).toEqual(['+0', '+1']);
  });

  it('lets timers fire beside a source that is always ready', async () => {
    let fired = false;
    const timer = setTimeout(() => (fired = true), 3);
    await readUntil(values(flow(upTo(1_000_000))), () => fired);
    clearTimeout(timer);
    expect(fired).toBe(true);
  });
});

describe('each', () => {
  it('deals with every value, so many at a time, and reports', async () => {
    const clock = new VirtualClock();
    const of = source(10);
    let [now, most] = [0, 0];
    const work = async (n: number): Promise<void> => {
      most = Math.max(most, ++now);
      await clock.sleep(n % 3);
      now--;
      if (n === 4) throw new Error('four');
    };
    const running = each(of.flow, work, { concurrency: 3, runtime: steady(clock) });
    await clock.runUntilIdle();
    expect(await running).toEqual({ acked: 9, dead: 0, nacked: 1 });
    expect([most, [...of.told].sort()]).toEqual([
      3,
      upTo(10)
        .map((n) => `${n === 4 ? '-' : '+'}${String(n)}`)
        .sort(),
    ]);
    expect(of.reasons).toEqual([new Error('four')]);
  });

  it('tries again with growing pauses, then hands to the dead letters, then acknowledges', async () => {
    const clock = new VirtualClock();
    const of = source(2);
    const tried: string[] = [];
    const events = new FlowEvents();
    const dead: unknown[] = [];
    events.on('dead', ({ id }) => dead.push(id));
    const letters: unknown[] = [];
    const running = each(
      of.flow,
      (n) => {
        tried.push(`${String(n)}@${String(clock.now())}`);
        if (n === 0 || tried.length < 7) throw new Error(`try ${String(tried.length)}`);
      },
      {
        retry: { attempts: 4, baseMs: 100, maxMs: 150 },
        deadLetter: (value, error, { id }) => letters.push([value, (error as Error).message, id]),
        events,
        runtime: { clock, random: () => 0.5 },
      },
    );
    await clock.runUntilIdle();
    expect(await running).toEqual({ acked: 1, dead: 1, nacked: 0 });
    expect(tried).toEqual(['0@0', '0@50', '0@125', '0@200', '1@200', '1@250', '1@325']);
    expect([letters, dead, of.told]).toEqual([[[0, 'try 4', '0']], ['0'], ['+0', '+1']]);
  });

  it('nacks when the dead letters fail, and when there are none', async () => {
    const of = source(2);
    const report = await each(
      of.flow,
      () => {
        throw new Error('no');
      },
      {
        deadLetter: (n) => {
          if (n === 0) throw new Error('dead letters are down');
        },
      },
    );
    expect(report).toEqual({ acked: 0, dead: 1, nacked: 1 });
    expect(of.told).toEqual(['-0', '+1']);
    expect((of.reasons[0] as Error).message).toBe('dead letters are down');
  });

  it('after an abort reads no more, waits as long as graceMs, and only then closes the source and nacks the rest', async () => {
    const clock = new VirtualClock();
    await failOnLeaks(
      async ({ signal, abort, runtime }) => {
        const of = source(10, 'hangs');
        const aborted: number[] = [];
        const running = each(
          of.flow,
          async (n, context) => {
            context.signal.addEventListener('abort', () => aborted.push(n));
            await clock.sleep(n === 0 ? 20 : 1_000);
          },
          { concurrency: 3, graceMs: 100, signal, runtime },
        );
        const ending = rejectionOf(() => running);
        await clock.advance(10);
        abort('bye');
        await clock.advance(20);
        expect([of.told, of.closed, aborted]).toEqual([['+0'], 0, []]);
        await clock.advance(80);
        expect(await ending).toBe('bye');
        expect([of.told, of.closed, of.read, aborted]).toEqual([['+0', '-1', '-2'], 1, 3, [0, 1, 2]]);
        await clock.runUntilIdle();
        expect(of.told).toEqual(['+0', '-1', '-2']);
      },
      { clock },
    );
  });

  it('settles a delivery once that does not see to it itself, also when its work ends after its time', async () => {
    const clock = new VirtualClock();
    const settled: string[] = [];
    const settle = (how: string) => async (): Promise<void> => void settled.push(how);
    async function* raw(): AsyncGenerator<Delivery<number>> {
      yield { value: 1, id: '1', attempt: 1, ack: settle('ack'), nack: settle('nack') };
    }
    const controller = new AbortController();
    const ending = rejectionOf(() =>
      each(raw(), () => clock.sleep(50), { graceMs: 10, signal: controller.signal, runtime: steady(clock) }),
    );
    await clock.advance(1);
    controller.abort('bye');
    await clock.runUntilIdle();
    expect([await ending, settled]).toEqual(['bye', ['nack']]);
  });

  it('does not wait when nothing is under way, nor read anything under a signal that has aborted', async () => {
    const of = source(3, 'hangs');
    const controller = new AbortController();
    const ending = rejectionOf(() => each(of.flow, () => undefined, { signal: controller.signal }));
    await settled();
    await settled();
    controller.abort('bye');
    expect(await ending).toBe('bye');
    expect([of.told, of.closed]).toEqual([['+0', '+1', '+2'], 1]);
    const unread = source(3);
    expect(await rejectionOf(() => each(unread.flow, () => undefined, { signal: controller.signal }))).toBe('bye');
    expect(unread.read).toBe(0);
  });

  it('an error of the source is thrown when what is under way is done', async () => {
    const clock = new VirtualClock();
    const of = source(2, 'fails');
    const running = rejectionOf(() => each(of.flow, () => clock.sleep(50), { concurrency: 5, runtime: steady(clock) }));
    await clock.runUntilIdle();
    expect(await running).toMatchObject({ message: 'broken' });
    expect([clock.now(), of.told]).toEqual([50, ['+0', '+1']]);
  });

  it('gives up a pause between attempts when its time is over', async () => {
    const clock = new VirtualClock();
    const of = source(1);
    const controller = new AbortController();
    const running = rejectionOf(() =>
      each(of.flow, () => Promise.reject(new Error('no')), {
        retry: { attempts: 9, baseMs: 10_000, maxMs: 10_000 },
        graceMs: 5,
        signal: controller.signal,
        runtime: { clock, random: () => 0.9 },
      }),
    );
    await clock.advance(1);
    controller.abort('bye');
    await clock.advance(5);
    expect(await running).toBe('bye');
    expect([of.told, clock.pending]).toEqual([['-0'], 0]);
  });

  it.each<[string, EachRetry | undefined, number]>([
    ['once, unless it is told to', undefined, 1],
    ['three times, where it is not said how often', { baseMs: 1 }, 3],
  ])('tries a value %s', async (_, retry, attempts) => {
    const clock = new VirtualClock();
    let tried = 0;
    const running = each(
      source(1).flow,
      () => {
        tried++;
        throw new Error('no');
      },
      { retry, runtime: steady(clock) },
    );
    await clock.runUntilIdle();
    expect([await running, tried]).toEqual([{ acked: 0, dead: 0, nacked: 1 }, attempts]);
  });

  it('what is under way when its source has ended has all the time that it takes', async () => {
    const clock = new VirtualClock();
    const of = source(2);
    const running = each(of.flow, () => clock.sleep(1_000), { graceMs: 10, concurrency: 3, runtime: steady(clock) });
    await clock.runUntilIdle();
    expect([await running, of.told]).toEqual([{ acked: 2, dead: 0, nacked: 0 }, ['+0', '+1']]);
  });

  it('keeps the process alive for the grace that it gives, and sets no other timer', async () => {
    const clock = new VirtualClock();
    const setTimer = vi.spyOn(clock, 'setTimer');
    const controller = new AbortController();
    const ending = rejectionOf(() =>
      each(source(1, 'hangs').flow, () => new Promise(() => undefined), {
        graceMs: 70,
        signal: controller.signal,
        runtime: steady(clock),
      }),
    );
    await clock.advance(5);
    controller.abort('bye');
    await clock.advance(70);
    expect(await ending).toBe('bye');
    expect(setTimer).toHaveBeenCalledExactlyOnceWith(70, expect.any(Function), { ref: true });
  });

  it('gives back at once what its source answers after an abort, and works on none of it', async () => {
    const clock = new VirtualClock();
    const worked: number[] = [];
    async function* slow(): AsyncGenerator<number> {
      yield 0;
      await clock.sleep(20);
      yield 1;
    }
    const told: string[] = [];
    const of = flow(slow(), {
      ack: (n) => told.push(`+${String(n)}`),
      nack: (n) => told.push(`-${String(n)}`),
      runtime: steady(clock),
    });
    const controller = new AbortController();
    const ending = rejectionOf(() =>
      each(of, (n) => (worked.push(n), clock.sleep(50)), {
        concurrency: 2,
        signal: controller.signal,
        runtime: steady(clock),
      }),
    );
    await clock.advance(10);
    controller.abort('bye');
    await clock.advance(15);
    expect([worked, told]).toEqual([[0], ['-1']]);
    await clock.runUntilIdle();
    expect([await ending, told]).toEqual(['bye', ['-1', '+0']]);
  });

  it.each<[string, number, number]>([
    ['work that fails', 50, 0],
    ['a dead letter that is taken', 0, 50],
  ])('%s after its time was given back already: it is neither dead nor settled again', async (_, workMs, letterMs) => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const note = (what: string) => async (): Promise<void> => void seen.push(what);
    async function* raw(): AsyncGenerator<Delivery<number>> {
      yield { value: 1, id: '1', attempt: 1, ack: note('ack'), nack: note('nack') };
    }
    const events = new FlowEvents();
    events.on('dead', note('dead'));
    events.on('failed', note('failed'));
    const controller = new AbortController();
    const ending = rejectionOf(() =>
      each(
        raw(),
        async () => {
          await clock.sleep(workMs);
          throw new Error('no');
        },
        {
          deadLetter: async () => {
            if (letterMs === 0) seen.push('letter');
            await clock.sleep(letterMs);
          },
          graceMs: 10,
          signal: controller.signal,
          events,
          runtime: steady(clock),
        },
      ),
    );
    await clock.advance(1);
    controller.abort('bye');
    await clock.runUntilIdle();
    expect([await ending, seen]).toEqual(['bye', ['nack']]);
  });

  it('counts what could not be acknowledged as nacked, reports it and goes on', async () => {
    const of = source(2, 'ends', { ack: (n) => (n === 0 ? Promise.reject(new Error('lost')) : n) });
    expect(await each(of.flow, () => undefined)).toEqual({ acked: 1, dead: 0, nacked: 1 });
    await warningsSettled();
    expect(warnings.map(({ message }) => message)).toEqual(['holdfast: a delivery could not be settled: lost']);
  });

  it('lets timers fire beside a source that is always ready', async () => {
    let fired = false;
    const controller = new AbortController();
    setTimeout(() => {
      fired = true;
      controller.abort('enough');
    }, 3);
    await each(flow(upTo(300_000)), () => undefined, { signal: controller.signal }).catch(() => undefined);
    expect(fired).toBe(true);
  });
});
