import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mostTypes, RecentMean, Workload } from '../../../src/queue/elastic/meters.ts';
import { runs } from '../../support/properties.ts';

describe('RecentMean', () => {
  test('is the mean of the first fifty', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(values, (all) => {
        const mean = new RecentMean();
        for (const value of all) mean.add(value);
        const true_ = all.reduce((sum, value) => sum + value, 0) / all.length;
        expect(mean.value).toBeCloseTo(true_, 4);
        const square = all.reduce((sum, value) => sum + value * value, 0) / all.length;
        if (true_ > 1) expect(mean.spread / Math.max(1, square / true_ ** 2)).toBeCloseTo(1, 6);
      }),
      { numRuns: runs(5) },
    );
  });

  test('follows what changes, with the weight of the last fifty', () => {
    const mean = new RecentMean();
    for (let i = 0; i < 1_000; i++) mean.add(2);
    for (let i = 0; i < 50; i++) mean.add(102);
    expect(mean.value).toBeCloseTo(2 + 100 * (1 - 0.98 ** 50), 6);
  });

  test('knows nothing at first, and has a spread of 1 until values differ', () => {
    const mean = new RecentMean();
    expect([mean.value, mean.spread]).toEqual([undefined, 1]);
    mean.add(0);
    expect([mean.value, mean.spread]).toEqual([0, 1]);
    mean.add(2);
    expect([mean.value, mean.spread]).toEqual([1, 2]);
  });
});

describe('arrivals', () => {
  const perSecond = (arrivals: readonly (readonly [number, number])[], untilMs: number, everyMs: number): number => {
    const work = new Workload(0);
    let next = 0;
    for (let t = everyMs; t <= untilMs; t += everyMs) {
      for (; next < arrivals.length && arrivals[next]![0] < t; next++) work.arrived(undefined, arrivals[next]![1]);
      work.fold(t);
    }
    return work.perSecond;
  };

  test('a steady rate is known within a second or so, however often it is looked at', () => {
    const steady = Array.from({ length: 5_000 }, (_, i) => [i, 3] as const);
    for (const everyMs of [1, 10, 250]) {
      expect(perSecond(steady, 1_000, everyMs) / 3_000).toBeCloseTo(1 - Math.exp(-1), 2);
      expect(perSecond(steady, 5_000, everyMs) / 3_000).toBeCloseTo(1 - Math.exp(-5), 2);
    }
  });

  test('a rise is seen by the short average, and remembered by the long one', () => {
    const burst = [[0, 1_000]] as const;
    expect(perSecond(burst, 250, 250)).toBeCloseTo((1_000 * (1 - Math.exp(-0.25))) / 0.25, 6);
    expect(perSecond(burst, 10_000, 250)).toBeCloseTo(4_000 * (1 - Math.exp(-0.025)) * Math.exp(-0.975), 6);
  });

  test('what comes at the moment of a look counts as what comes an instant before', () => {
    const [at, before] = [new Workload(0), new Workload(0)];
    at.arrived(undefined, 100);
    at.fold(0);
    before.arrived(undefined, 100);
    before.fold(1e-6);
    expect(at.perSecond).toBeCloseTo(100, 6); // of the average over a second
    expect(before.perSecond).toBeCloseTo(100, 3);
  });

  test('a clock that goes back is one that stands', () => {
    const work = new Workload(100);
    work.arrived(undefined, 10);
    work.fold(50);
    expect(work.perSecond).toBeCloseTo(10, 9);
    work.fold(1_100);
    expect(work.perSecond).toBeCloseTo(10 * Math.exp(-1), 9);
  });
});

describe('service times', () => {
  test('while all of a type still run, half their mean age', () => {
    const work = new Workload(0);
    expect(work.serviceMs(0)).toBe(undefined);
    work.started(undefined, 0);
    work.started(undefined, 100);
    expect(work.serviceMs(100)).toBe(25);
    expect(work.serviceMs(300)).toBe(125);
  });

  test('of the done ones, unless the age of those that run belies it', () => {
    const work = new Workload(0);
    work.started(undefined, 0);
    work.ended(undefined, 0, 10);
    expect(work.serviceMs(10)).toBe(10);
    work.started(undefined, 10);
    expect(work.serviceMs(19)).toBe(10);
    expect(work.serviceMs(60)).toBe(50); // all were alike: it takes as long as it has taken, at least
    work.ended(undefined, 10, 40);
    expect(work.serviceMs(60)).toBe(20);
    work.started(undefined, 100);
    expect(work.serviceMs(120)).toBe(20);
    expect(work.serviceMs(200)).toBe(100 / 1.25); // 10 and 30: the mean square is 1.25 of the squared mean
  });

  test('the age of those that run is exact after a million of them', () => {
    const work = new Workload(0);
    work.started('long', 0.1);
    for (let t = 0; t < 1_000_000; t++) {
      work.started('long', t + 0.3);
      work.ended('long', t + 0.3, t + 0.7);
    }
    work.ended('long', 0.1, 0.1);
    work.started('long', 1e6);
    expect(work.serviceMs(1e6 + 80)).toBeGreaterThan(70);
    expect(work.settled).toBe(1_000_001);
  });

  test('a job that ends before it has started took no time', () => {
    const work = new Workload(0);
    work.started(undefined, 10);
    work.ended(undefined, 10, 5);
    expect(work.serviceMs(5)).toBe(0);
  });
});

describe('types', () => {
  const long = 3_600_000;

  function mixed(types: number): Workload {
    const work = new Workload(0);
    for (let i = 0; i < types; i++) {
      const name = `type ${String(i)}`;
      work.arrived(name, i === 0 ? 1 : 1_000);
      work.started(name, 0);
      work.ended(name, 0, i === 0 ? long : 2);
    }
    work.fold(1_000);
    return work;
  }

  test('a rare long job does not hide the short ones, nor they it', () => {
    const work = mixed(2);
    const rate = (1 - Math.exp(-1)) / 1_000;
    expect(work.load(1_000)).toBeCloseTo(rate * (long + 2_000), 6);
    expect(work.serviceMs(1_000)).toBeCloseTo((long + 2_000) / 1_001, 6);
    // For a job that took the mean of both, it would be 900 times as much.
    expect(work.load(1_000)).toBeLessThan((rate * 1_001 * (long + 2)) / 2 / 100);
  });

  test('one that is not known yet takes as long as the others', () => {
    const work = mixed(1);
    work.arrived('new', 1);
    work.fold(1_001);
    expect(work.load(1_001) / work.perSecond).toBeCloseTo(long / 1_000, 3);
  });

  test('of which nothing has arrived for long, still have a service time', () => {
    const work = mixed(2);
    work.fold(1e12);
    expect(work.perSecond).toBe(0);
    expect(work.load(1e12)).toBe(0);
    expect(work.serviceMs(1e12)).toBeGreaterThan(0);
  });

  test('beyond the number that is told apart, they are one', () => {
    const loadOfNext = (known: number): number => {
      const work = new Workload(0);
      for (let i = 0; i < known; i++) work.arrived(`type ${String(i)}`, 0);
      for (const [name, ms] of [
        ['slow', 9_000],
        ['quick', 1_000],
      ] as const) {
        work.started(name, 0);
        work.ended(name, 0, ms);
      }
      work.arrived('quick', 1);
      work.fold(1_000);
      return (work.load(1_000) / work.perSecond) * 1_000;
    };
    expect(loadOfNext(mostTypes - 2)).toBeCloseTo(1_000, 6);
    expect(loadOfNext(mostTypes)).toBeCloseTo(5_000, 6);
  });
});
