import fc from 'fast-check';
import { type Attempt, hedge } from 'holdfast/calls';
import { failOnLeaks, faulty, isFault, seededRandom, type Toxics, VirtualClock } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs } from '../support/properties.ts';

const rate = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }));
/** Every toxic given. */
type AllToxics = { readonly [K in keyof Toxics]-?: Exclude<Toxics[K], undefined> };

const toxicsOf = (onAbort: AllToxics['onAbort']): fc.Arbitrary<AllToxics> =>
  fc.record({
    hangRate: rate,
    failRate: rate,
    dropRate: rate,
    latencyMs: fc.nat(50),
    jitterMs: fc.nat(50),
    onAbort: fc.constant(onAbort),
  });
const anyToxics = fc.constantFrom('reject' as const, 'ignore' as const).chain(toxicsOf);
const seeds = fc.integer();

interface Fate {
  made: boolean;
  end: 'open' | 'ok' | 'fault' | 'aborted' | 'other';
  atMs: number;
}

/** What becomes of some calls made one after the other at time 0, each of which takes `workMs` below. */
async function fates(
  toxics: Toxics,
  seed: number,
  count: number,
  workMs: number,
  abortAtMs?: number,
): Promise<readonly Fate[]> {
  const clock = new VirtualClock();
  const controller = new AbortController();
  const made = new Set<number>();
  const call = faulty(
    async (n: number, options?: { readonly signal?: AbortSignal | undefined }) => {
      made.add(n);
      await clock.sleep(workMs, options?.signal);
      return n;
    },
    toxics,
    { runtime: { clock, random: seededRandom(seed) } },
  );
  const list = Array.from({ length: count }, (_, n): Fate => {
    const fate: Fate = { made: false, end: 'open', atMs: Infinity };
    call(n, { signal: controller.signal }).then(
      (answer) => {
        expect(answer).toBe(n);
        Object.assign(fate, { end: 'ok', atMs: clock.now() });
      },
      (error: unknown) => {
        Object.assign(fate, {
          end: isFault(error) ? 'fault' : error === 'enough' ? 'aborted' : 'other',
          atMs: clock.now(),
        });
      },
    );
    return fate;
  });
  if (abortAtMs !== undefined) clock.setTimer(abortAtMs, () => controller.abort('enough'));
  await clock.runUntilIdle();
  expect(clock.pending).toBe(0);
  return list.map((fate, n) => ({ ...fate, made: made.has(n) }));
}

test('a call has one fate: hung, failed, dropped or passed on, each in its time', async () => {
  await fc.assert(
    fc.asyncProperty(anyToxics, seeds, fc.nat(40), async (toxics, seed, workMs) => {
      const random = seededRandom(seed);
      for (const { made, end, atMs } of await fates(toxics, seed, 20, workMs)) {
        const [hangs, fails, drops] = [
          random() < toxics.hangRate,
          random() < toxics.failRate,
          random() < toxics.dropRate,
        ];
        const delayMs = toxics.latencyMs + toxics.jitterMs * random();
        expect(made).toBe(!hangs && !fails);
        expect(end).toBe(hangs ? 'open' : fails ? 'fault' : drops ? 'open' : 'ok');
        if (end !== 'open') expect(atMs).toBeCloseTo(end === 'ok' ? delayMs + workMs : delayMs, 9);
      }
    }),
    { numRuns: runs(2) },
  );
});

test('the rates are those asked for, within 5 standard deviations', async () => {
  const count = 2_000;
  await fc.assert(
    fc.asyncProperty(anyToxics, seeds, async (toxics, seed) => {
      const list = await fates(toxics, seed, count, 0);
      const near = (found: number, p: number): void =>
        expect(Math.abs(found - count * p)).toBeLessThanOrEqual(5 * Math.sqrt(count * p * (1 - p)) + 1e-6);
      const { hangRate: h, failRate: f, dropRate: d } = toxics;
      near(list.filter(({ made, end }) => !made && end === 'open').length, h);
      near(list.filter(({ end }) => end === 'fault').length, (1 - h) * f);
      near(list.filter(({ made, end }) => made && end === 'open').length, (1 - h) * (1 - f) * d);
    }),
    { numRuns: runs(0.2) },
  );
});

test('a higher rate strikes those that the lower one struck, and moves no other fault', async () => {
  await fc.assert(
    fc.asyncProperty(anyToxics, seeds, rate, async (toxics, seed, higher) => {
      const raised = { ...toxics, failRate: Math.max(toxics.failRate, higher) };
      const [before, after] = [await fates(toxics, seed, 30, 5), await fates(raised, seed, 30, 5)];
      for (const [i, fate] of before.entries()) if (after[i]!.end !== 'fault') expect(after[i]).toEqual(fate);
      for (const [i, fate] of before.entries()) if (fate.end === 'fault') expect(after[i]).toEqual(fate);
    }),
  );
});

test('same seed, same run', async () => {
  await fc.assert(
    fc.asyncProperty(anyToxics, seeds, fc.nat(80), async (toxics, seed, abortAtMs) => {
      expect(await fates(toxics, seed, 10, 10, abortAtMs)).toEqual(await fates(toxics, seed, 10, 10, abortAtMs));
    }),
  );
});

test('honours the signal: whatever is open then rejects with the reason in that instant, and nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(toxicsOf('reject'), seeds, fc.nat(120), async (toxics, seed, abortAtMs) => {
      const [free, cut] = [await fates(toxics, seed, 10, 10), await fates(toxics, seed, 10, 10, abortAtMs)];
      for (const [i, { end, atMs }] of free.entries()) {
        if (end !== 'open' && atMs <= abortAtMs) expect(cut[i]).toMatchObject({ end, atMs });
        else expect(cut[i]).toMatchObject({ end: 'aborted', atMs: abortAtMs });
      }
    }),
    { numRuns: runs(2) },
  );
});

test('ignores the signal: an abort changes nothing, neither here nor below', async () => {
  await fc.assert(
    fc.asyncProperty(toxicsOf('ignore'), seeds, fc.nat(120), async (toxics, seed, abortAtMs) => {
      expect(await fates(toxics, seed, 10, 10, abortAtMs)).toEqual(await fates(toxics, seed, 10, 10));
    }),
  );
});

test('without toxics it is the call itself, made in the same turn with the same options', async () => {
  await fc.assert(
    fc.asyncProperty(fc.anything(), fc.boolean(), async (value, fails) => {
      const seen: unknown[] = [];
      const options = { signal: new AbortController().signal, deadline: 5 };
      const call = faulty((request: unknown, given?: typeof options) => {
        seen.push(request, given);
        return fails ? Promise.reject(new Error('mine')) : Promise.resolve({ value });
      }, {});
      const answer = call(value, options);
      expect(seen[0]).toBe(value);
      expect(seen[1]).toBe(options);
      if (fails) await expect(answer).rejects.toThrow('mine');
      else expect((await answer).value).toBe(value);
    }),
  );
});

test('no timer, listener or rejection is left, however the call ends', async () => {
  await fc.assert(
    fc.asyncProperty(anyToxics, seeds, fc.nat(60), async (toxics, seed, abortAtMs) => {
      const clock = new VirtualClock();
      await failOnLeaks(
        async ({ runtime, signal, abort }) => {
          const call = faulty(
            () => Promise.reject(new Error('mine')),
            { ...toxics, hangRate: 0, dropRate: 0 },
            { runtime: { clock: runtime.clock, random: seededRandom(seed) } },
          );
          const lost = faulty(() => Promise.reject(new Error('mine')), { dropRate: 1, onAbort: toxics.onAbort });
          const settled = [call(1, { signal }), call(2), lost(3, { signal })].map((promise) =>
            promise.catch(() => 'over'),
          );
          runtime.clock.setTimer(abortAtMs, abort);
          await clock.runUntilIdle();
          expect(await Promise.all(settled.slice(0, 2))).toEqual(['over', 'over']);
        },
        { clock },
      );
    }),
  );
});

test('under a hedge: a call that hangs is answered by the next attempt, deaf or not', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('reject' as const, 'ignore' as const), seeds, async (onAbort, seed) => {
      const clock = new VirtualClock();
      const runtime = { clock, random: seededRandom(seed) };
      const greet = faulty(
        (name: string, attempt?: Attempt) => `${name} ${String(attempt?.attempt)}`,
        { hangRate: 1, onAbort },
        { runtime },
      );
      const ask = hedge(greet, { after: 10, runtime });
      const answer = ask('ann');
      clock.setTimer(5, () => greet.update({}));
      await clock.runUntilIdle();
      expect(await answer).toBe('ann 2');
      expect(clock.now()).toBe(10);
    }),
  );
});
