import { describe, expect, test } from 'vitest';
import { decide, type ElasticSignals, elasticState } from '../../../src/queue/elastic/law.ts';
import type { ElasticOptions } from '../../../src/queue/elastic/options.ts';
import { calm } from './work.ts';

const busy: ElasticSignals = { ...calm, workers: 10, busy: 10, max: 1_000 };
const workersFor = (signals: Partial<ElasticSignals>, options?: ElasticOptions): number =>
  decide({ ...busy, ...signals }, elasticState(options)).workers;

describe('the number wanted', () => {
  const many = 100_000;

  test('a small load by its share, a large one by its deviation', () => {
    const tiny = { queued: many, serviceMs: 1e-9 };
    expect(workersFor({ ...tiny, load: 12 })).toBe(16); // 12 / 0.8 is 15, 12 + √12 is 15.5
    expect(workersFor({ ...tiny, load: 100 })).toBe(126); // 100 / 0.8 is 125, 100 + √100 is 110, and the backlog
    expect(workersFor({ ...tiny, load: 100 }, { utilisation: 1, headroom: 2 })).toBe(121);
    expect(workersFor({ ...tiny, load: 100 }, { utilisation: 1, headroom: 0 })).toBe(101);
  });

  test('a backlog by the time that it may take', () => {
    expect(workersFor({ queued: 100, serviceMs: 500 })).toBe(50);
    expect(workersFor({ queued: 100, serviceMs: 500 }, { drainMs: 2_000 })).toBe(25);
    expect(workersFor({ queued: 1_000, serviceMs: 10_000 })).toBe(1_000); // not 10,000
    expect(workersFor({ queued: 50, serviceMs: 10_000 })).toBe(60); // no more than there are jobs
  });

  test('jobs that take no time want one worker', () => {
    expect(workersFor({ workers: 0, busy: 0, queued: 5, serviceMs: 0, min: 0 })).toBe(1);
  });
});

describe('growth', () => {
  test('not when the backlog is gone before another worker is ready', () => {
    const backlog = { queued: 100, serviceMs: 500 }; // 5 s for 10 workers
    expect(workersFor({ ...backlog, coldStartMs: 5_000 })).toBe(50);
    expect(workersFor({ ...backlog, coldStartMs: 5_001 })).toBe(10);
    expect(workersFor({ ...backlog, coldStartMs: 2_501 }, { coldStarts: 2 })).toBe(10);
    expect(workersFor({ ...backlog, coldStartMs: 1e9 }, { coldStarts: 0 })).toBe(50);
  });

  test('not when nothing waits, however much arrives', () => {
    expect(workersFor({ load: 500 })).toBe(10);
    expect(workersFor({ load: 500, workers: 5 })).toBe(5); // ten were busy when the maximum was lowered
  });

  test('by no more than as many again in a tick, while nobody knows how long a job takes', () => {
    const state = elasticState();
    const blind = { ...busy, queued: 500, serviceMs: undefined };
    expect(decide(blind, state).workers).toBe(20);
    expect(decide({ ...blind, workers: 20, nowMs: 249 }, state).workers).toBe(20);
    expect(decide({ ...blind, workers: 20, nowMs: 250 }, state).workers).toBe(40);
    expect(decide({ ...blind, workers: 40, nowMs: 251, serviceMs: 400 }, state).workers).toBe(200);
  });

  test('says whether it is for what arrives or for what waits', () => {
    const reasonFor = (signals: Partial<ElasticSignals>): unknown =>
      decide({ ...busy, ...signals }, elasticState()).reason;
    expect(reasonFor({ queued: 100, load: 0 })).toBe('backlog');
    expect(reasonFor({ queued: 100, load: 20 })).toBe('backlog'); // 25 for what arrives, 50 for what waits
    expect(reasonFor({ queued: 1, load: 20 })).toBe('rate');
    expect(reasonFor({ min: 11 })).toBe('bounds');
    expect(reasonFor({ max: 9 })).toBe('bounds');
    expect(reasonFor({ busy: 2 })).toBe('idle');
    expect(reasonFor({})).toBe(undefined);
  });
});

describe('shrinking', () => {
  test('when the window is over, and by a tenth at least in a pool of more than ten', () => {
    const state = elasticState();
    const pool = (nowMs: number, workers: number, running: number): number =>
      decide({ ...busy, nowMs, workers, busy: running, load: 100 }, state).workers;
    expect(pool(0, 40, 40)).toBe(40);
    expect(pool(1, 40, 37)).toBe(40);
    expect(pool(9_999, 40, 36)).toBe(40);
    expect(pool(10_000, 40, 35)).toBe(40); // 37 is not less by a tenth
    expect(pool(10_001, 40, 35)).toBe(40); // 36 neither
    expect(pool(19_999, 40, 35)).toBe(35);
  });

  test('by one in a pool of ten, and to the minimum whatever it is', () => {
    const state = elasticState();
    expect(decide({ ...busy, workers: 10, busy: 9, load: 100 }, state).workers).toBe(9);
    expect(decide({ ...busy, workers: 21, busy: 20, load: 100 }, elasticState()).workers).toBe(21);
    expect(decide({ ...busy, workers: 21, busy: 20, min: 20, load: 100 }, elasticState()).workers).toBe(20);
  });

  test('later where starting takes long', () => {
    const state = elasticState({ windowMs: 1_000 });
    const slow = { ...busy, coldStartMs: 100 };
    decide({ ...slow, busy: 10, load: 100 }, state);
    expect(decide({ ...slow, busy: 0, nowMs: 1_999 }, state).workers).toBe(10);
    expect(decide({ ...slow, busy: 0, nowMs: 2_000 }, state).workers).toBe(1);
  });

  test('to no worker at all, where that is allowed', () => {
    expect(workersFor({ workers: 1, busy: 0, min: 0, load: 0.01 })).toBe(0);
  });
});

test.each([
  [{ tickMs: 0 }, 'tickMs must be a finite number >= 1, got 0'],
  [{ drainMs: NaN }, 'drainMs must be a finite number >= 1, got NaN'],
  [{ utilisation: 0 }, 'utilisation must be a number above 0, at most 1, got 0'],
  [{ utilisation: 1.01 }, 'utilisation must be a number above 0, at most 1, got 1.01'],
  [{ headroom: -1 }, 'headroom must be a finite number from 0 to 10, got -1'],
  [{ tickMs: 500, windowMs: 400 }, 'windowMs must be a finite number >= tickMs (500), got 400'],
  [{ coldStarts: '1' }, 'coldStarts must be a finite number from 0 to 100, got "1"'],
  [{ maxLagMs: 0 }, 'maxLagMs must be a finite number >= 1, got 0'],
  [{ guard: 'gradient' }, 'guard must be "plateau", got "gradient"'],
  [{ window: 1 }, 'elastic has no option "window"; it has tickMs, drainMs'],
])('%j is refused', (options, message) => {
  expect(() => elasticState(options as ElasticOptions)).toThrow(message);
});

test('a longer tick has a window that is as long', () => {
  expect(elasticState({ tickMs: 20_000 }).law.windowMs).toBe(20_000);
  expect(elasticState().law).toEqual({
    tickMs: 250,
    drainMs: 1_000,
    utilisation: 0.8,
    headroom: 1,
    windowMs: 10_000,
    coldStarts: 1,
    maxLagMs: 50,
    guard: undefined,
  });
});
