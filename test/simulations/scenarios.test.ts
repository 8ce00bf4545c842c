import { expect, test } from 'vitest';
import { policies } from '../../simulations/policies/index.ts';
import { scenarios } from '../../simulations/scenarios/index.ts';
import { World } from '../../simulations/world.ts';

const named = (name: string) => scenarios.find((scenario) => scenario.name === name)!;

test('a run is a function of its seed', async () => {
  const { run } = named('black-hole');
  for (const column of Object.keys(policies)) expect(await run(column, 3)).toEqual(await run(column, 3));
  expect(await run('holdfast', 3)).not.toEqual(await run('holdfast', 4));
});

test('each target and each published figure is of a column that there is, each figure is reported', async () => {
  for (const { columns, measures, plot } of scenarios) {
    for (const { targets = [], published = {} } of measures) {
      for (const column of [...targets.map((target) => target.column), ...Object.keys(published)])
        expect(columns).toContain(column);
    }
    if (plot !== undefined) expect(plot.x.values.length).toBeGreaterThan(1);
  }
  for (const name of ['short-outage', 'slow-503s']) {
    const { columns, measures, run } = named(name);
    const { values } = await run(columns.at(-1)!, 1);
    for (const { key } of measures) expect(values[key]).toBeTypeOf('number');
  }
});

test('published figures are reproduced by the models of those who published them', async () => {
  const success = async (name: string, column: string): Promise<number> =>
    (await named(name).run(column, 1)).values['success']!;
  expect(await success('black-hole', 'palantir score')).toBeCloseTo(0.914, 2);
  expect(await success('short-outage', 'palantir score')).toBeCloseTo(0.996, 2);
  expect(await success('fast-400s', 'palantir score')).toBeCloseTo(0.936, 2);
});

test('columns of a seed see the same world', async () => {
  const arrivals = [1, 2].map(() => new World(5).random('load')());
  expect(arrivals[0]).toBe(arrivals[1]);
  expect(new World(5).random('load')()).not.toBe(new World(5).random('s0')());
});
