import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { plotsOf, reportOf, spread } from '../../simulations/report.ts';
import { summaryOf, verdictOf } from '../../simulations/results.ts';
import {
  atLeast,
  atMost,
  type Measure,
  near,
  noMoreThanAny,
  percent,
  type Scenario,
} from '../../simulations/scenario.ts';
import { reports } from '../../simulations/reports.ts';

const share: Measure = {
  key: 'share',
  label: 'answered',
  format: percent(1),
  published: { a: '50 %' },
  targets: [atLeast('b', 0.9, '90 %')],
};
const scenario: Scenario = {
  name: 'made-up',
  title: 'Made up',
  source: 'nobody',
  setup: 'None.',
  columns: ['a', 'b'],
  measures: [share],
  plot: { title: 'A plot', x: { label: 'x', ticks: [0, 1], values: [0, 1] }, y: { label: 'y', ticks: [0, 100] } },
  run: () => Promise.resolve({ values: {} }),
};
const observed = (values: readonly number[]): { values: { share: number }; series: number[] }[] =>
  values.map((value) => ({ values: { share: value }, series: [0, 100 * value] }));
const results = { a: observed([0.4, 0.5, 0.6]), b: observed([0.95, 0.85, 0.99]) };

test('a spread is median, least and most, with the unit once', () => {
  expect(spread(share, [0.4, 0.5, 0.6])).toBe('50.0 % (40.0–60.0)');
  expect(spread(share, [0.5, 0.50001])).toBe('50.0 %');
  expect(spread({ ...share, format: (value) => value.toFixed(2) }, [1, 2])).toBe('1.50 (1.00–2.00)');
  expect(summaryOf([3, 1, 2, 10])).toEqual({ least: 1, median: 2.5, mean: 4, most: 10 });
});

describe('targets', () => {
  test('of each seed', () => {
    expect(verdictOf(scenario, share, atLeast('b', 0.9, ''), results)).toEqual({ met: 2, of: 3 });
    expect(verdictOf(scenario, share, atMost('a', 0.5, ''), results)).toEqual({ met: 2, of: 3 });
  });

  test('of the mean', () => {
    expect(verdictOf(scenario, share, near('a', 0.52, 0.05, ''), results)).toEqual({ met: 1, of: 1 });
    expect(verdictOf(scenario, share, near('a', 0.53, 0.05, ''), results)).toEqual({ met: 0, of: 1 });
  });

  test('beside the others, seed by seed', () => {
    expect(verdictOf(scenario, share, noMoreThanAny('a'), results)).toEqual({ met: 3, of: 3 });
    expect(verdictOf(scenario, share, noMoreThanAny('b'), results)).toEqual({ met: 0, of: 3 });
  });

  test('what is not a number meets nothing', () => {
    const none = { a: observed([NaN]), b: observed([NaN]) };
    for (const target of [atLeast('a', 0, ''), atMost('a', 1, ''), near('a', 1, 1, ''), noMoreThanAny('a')]) {
      expect(verdictOf(scenario, share, target, none).met).toBe(0);
    }
  });
});

test('the report says what was missed, with how many seeds', () => {
  const report = reportOf({ title: 'Made up', about: 'Nothing.' }, new Map([[scenario, results]]), 3);
  expect(report).toMatch(/^# Made up\n/);
  expect(report).toContain('Nothing. Each figure is the median of 3 seeds');
  expect(report).toContain('0 of 1 are met with each seed.');
  expect(report).toContain('| Made up | answered | b | ≥ 90 % | 95.0 % (85.0–99.0) | **missed** with 1 of 3 seeds |');
  expect(report).toContain('| answered | 50.0 % (40.0–60.0) | 95.0 % (85.0–99.0) |\n| _published_ | _50 %_ |  |');
  expect(report).toContain(
    '![A plot](simulations/made-up.svg)\n\n_Medians of the seeds 1 to 3, by `npm run simulate -- --seeds 3`._',
  );
});

test('a plot has a line for each column, of the medians, and the last stands out', () => {
  const [[name, plot] = []] = plotsOf(new Map([[scenario, results]]), 20);
  expect(name).toBe('made-up.svg');
  expect(plot).toContain('>Medians of the seeds 1 to 20, by npm run simulate.<');
  const lines = [...plot!.matchAll(/<polyline .*stroke-width="([^"]*)" points="([^"]*)"/g)];
  expect(lines.map(([, width, points]) => [width, points])).toEqual([
    ['1.5', '64,344 590,196'],
    ['2.5', '64,344 590,62.8'],
  ]);
});

test('a plot has the lines that it asks for', () => {
  const few = { ...scenario, plot: { ...scenario.plot!, columns: ['b'] } };
  const [plot] = [...plotsOf(new Map([[few, results]]), 20).values()];
  expect([...plot!.matchAll(/<polyline .*points="([^"]*)"/g)].map(([, points]) => points)).toEqual(['64,344 590,62.8']);
});

test.each(reports)('$file in the repository is of its scenarios, with at least 20 seeds', ({ file, scenarios }) => {
  const report = readFileSync(join(root, 'docs', file), 'utf8');
  expect(Number(/the median of (\d+) seeds/.exec(report)![1])).toBeGreaterThanOrEqual(20);
  const titles = [...report.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual(['Targets', ...scenarios.map(({ title }) => title)]);
});

test('each scenario has a name of its own', () => {
  const names = reports.flatMap(({ scenarios }) => scenarios.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});
