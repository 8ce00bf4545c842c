import fc from 'fast-check';
import { type Probe, probe, type ProbeOptions } from 'holdfast/live';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { judge } from '../../src/live/probe.ts';
import { runs } from '../support/properties.ts';
import { bad, expectInvalid, steady, thrownBy } from '../support/serving.ts';

describe('the judgement', () => {
  it('turns after so many in a row, and never before', () => {
    const bounds = fc.integer({ min: 1, max: 5 });
    fc.assert(
      fc.property(bounds, bounds, fc.boolean(), fc.array(fc.boolean()), (rise, fall, first, results) => {
        let health = { well: first, against: 0 };
        results.forEach((ok, i) => {
          const before = health.well;
          health = judge(health, ok, rise, fall);
          const needed = before ? fall : rise;
          const last = results.slice(Math.max(0, i + 1 - needed), i + 1);
          const turned = last.length === needed && last.every((each) => each !== before);
          expect(health.well).toBe(turned ? !before : before);
        });
      }),
      { numRuns: runs(10) },
    );
  });
});

describe('a probe', () => {
  const made = (
    results: unknown[],
    options: ProbeOptions = {},
  ): { clock: VirtualClock; up: Probe; checks: number[] } => {
    const clock = new VirtualClock();
    const checks: number[] = [];
    const up = probe(
      async () => {
        const result = results[Math.min(checks.push(clock.now()), results.length) - 1];
        if (result instanceof Error) throw result;
        return result;
      },
      { everyMs: 100, jitter: 0, runtime: steady(clock), ...options },
    );
    return { clock, up, checks };
  };

  it('says false until it knows, then what the first check says', async () => {
    const { clock, up } = made([undefined]);
    expect([up.current, up.version]).toEqual([false, 0]);
    const asked = [up.check(), up.check(), up.ready];
    await clock.advance(0);
    expect([await Promise.all(asked), up.current, up.version]).toEqual([[true, true, true], true, 1]);
    const down = made([new Error('down'), true, true]);
    await down.clock.advance(100);
    expect([await down.up.ready, down.up.current, down.up.version]).toEqual([false, false, 1]);
    await down.clock.advance(100);
    expect([down.up.current, down.up.version]).toEqual([true, 2]);
  });

  it('flaps with neither one failure nor one success', async () => {
    const { clock, up } = made([true, false, true, false, false, true, false, false, false, true, false, true, true]);
    const changes: boolean[] = [];
    void (async () => {
      for await (const well of up.changes()) changes.push(well);
    })();
    await clock.advance(1_300);
    expect(changes).toEqual([true, false, true]);
    up.close();
  });

  it('a thousand who ask share one check', async () => {
    const { clock, up, checks } = made([true]);
    await clock.advance(50);
    const cached = await Promise.all(Array.from({ length: 1_000 }, () => up.check()));
    expect([new Set(cached), checks]).toEqual([new Set([true]), [0]]);
    await clock.advance(50);
    await Promise.all(Array.from({ length: 1_000 }, () => up.check()));
    expect(checks).toEqual([0, 100]);
  });

  it('who asks when the last check is too old has a new one, and the next comes later', async () => {
    const { clock, up, checks } = made([true], { jitter: 1, runtime: undefined });
    up.close();
    expect(checks).toEqual([0]);
    const late = new VirtualClock();
    const starts: number[] = [];
    const other = probe(() => void starts.push(late.now()), { everyMs: 100, jitter: 1, runtime: steady(late, 0.5) });
    await late.advance(100);
    expect(await other.check()).toBe(true);
    await late.advance(149);
    expect(starts).toEqual([0, 100]);
    await late.advance(1);
    expect(starts).toEqual([0, 100, 250]);
    other.close();
    await clock.advance(0);
  });

  it('is unwell when a check hangs that does not heed its signal, though that is not started again', async () => {
    const clock = new VirtualClock();
    let checks = 0;
    const up = probe(() => (checks++ === 0 ? true : new Promise(() => undefined)), {
      everyMs: 100,
      jitter: 0,
      timeoutMs: 50,
      runtime: steady(clock),
    });
    const failedMs: number[] = [];
    up.on('failed', () => failedMs.push(clock.now()));
    await clock.advance(349);
    expect(up.current).toBe(true);
    await clock.advance(1);
    expect([up.current, checks, failedMs]).toEqual([false, 2, [150, 250, 350]]);
    expect(await up.check()).toBe(false);
    up.close();
    expect([await up.check(), clock.pending]).toEqual([false, 0]);
  });

  it('counts a slow check once, also where its time and the next turn come together', async () => {
    // An event loop that stood still finds both due, and what was well long ago has not been heard yet.
    const clock = new VirtualClock();
    const checks: number[] = [];
    const failures: number[] = [];
    const up = probe(() => clock.sleep(checks.push(clock.now()) === 2 ? 110 : 0), {
      everyMs: 100,
      timeoutMs: 100,
      jitter: 0,
      fall: 2,
      runtime: steady(clock),
    });
    up.on('failed', () => failures.push(clock.now()));
    await clock.advance(450);
    expect([up.current, up.version, failures, checks]).toEqual([true, 1, [200], [0, 100, 300, 400]]);
    up.close();
    expect(clock.pending).toBe(0);
  });

  it('may be closed by its own check', async () => {
    const clock = new VirtualClock();
    let checks = 0;
    const up: Probe = probe(
      () => {
        if (++checks === 2) up.close();
      },
      { everyMs: 100, runtime: steady(clock) },
    );
    await clock.advance(1_000);
    expect([checks, clock.pending]).toEqual([2, 0]);
  });

  it('answers those who wait when it is closed', async () => {
    const clock = new VirtualClock();
    const up = probe(() => new Promise(() => undefined), { runtime: steady(clock) });
    const asked = up.check();
    await up[Symbol.asyncDispose]();
    expect([await asked, await up.check(), clock.pending]).toEqual([false, false, 0]);
  });

  it.each<readonly [string, object, string]>([
    ['everyMs', { everyMs: 0 }, 'everyMs must be a finite number >= 1, got 0'],
    ['jitter', { jitter: -1 }, 'jitter must be a finite number from 0 to 1, got -1'],
    ['timeoutMs', { everyMs: 10, timeoutMs: 11 }, 'timeoutMs must be a finite number <= 10, got 11'],
    ['rise', { rise: 0 }, 'rise must be an integer >= 1, got 0'],
    ['fall', { fall: 1.5 }, 'fall must be an integer >= 1, got 1.5'],
    [
      'a name that there is not',
      { interval: 5 },
      'probe has no option "interval"; it has everyMs, jitter, timeoutMs, rise, fall, runtime',
    ],
  ])('refuses a bad %s', (_, options, message) => {
    expectInvalid(
      thrownBy(() => probe(() => true, bad(options))),
      message,
    );
  });

  it('refuses a check that is none', () => {
    expectInvalid(
      thrownBy(() => probe(bad(true))),
      'check must be a function, got true',
    );
  });
});
