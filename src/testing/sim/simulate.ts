import { check, func, invalid, number, readOptions } from '../../core/options.ts';
import { createSim } from './create-sim.ts';
import { SimFailure, type SimFailureKind } from './failure.ts';
import { readSettings, type SimSettings } from './settings.ts';
import type { Sim, SimReport } from './sim.ts';

/** Options of {@link simulate}: those of `createSim`, and which seeds. */
export interface CampaignOptions extends SimSettings {
  /**
   * How many seeds.
   *
   * @defaultValue 100
   */
  readonly runs?: number | undefined;
  /**
   * The first seed; the others follow by one.
   *
   * @defaultValue 1
   */
  readonly seed?: number | undefined;
  /**
   * The share of seeds that are run twice, and must give the same run.
   *
   * @defaultValue 0.05
   */
  readonly twice?: number | undefined;
}

/** What a campaign was. */
export interface CampaignReport {
  /** How many seeds were run. */
  readonly runs: number;
  /** Events of all of them. */
  readonly steps: number;
  /** Virtual time of all of them, in milliseconds. */
  readonly virtualMs: number;
  /** How many were run twice. */
  readonly twice: number;
  /** How many seeds reached each `sometimes`. */
  readonly sometimes: Readonly<Record<string, number>>;
}

const shape = {
  runs: number({ min: 1, integer: true }),
  seed: number({ integer: true }),
  twice: number({ min: 0, max: 1 }),
};

/**
 * Runs a scenario under many seeds, one after the other, and stops at the first that fails.
 *
 * Promises: a failure is that of one seed, which repeats it alone (`runs: 1`, `seed`); some seeds are run twice, and a run
 * that is not the same again fails with the first line that differs; a `sometimes` that no seed has reached fails the
 * campaign, unless it is of one seed only.
 *
 * @param scenario - makes nodes, says what must hold, and runs
 * @param options - which seeds, and what the world is like
 * @throws {@link SimFailure} as a rejection; {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { simulate } from 'holdfast/testing';
 *
 * const { runs, sometimes } = await simulate(
 *   async (sim) => {
 *     const heard = sim.sometimes('a message arrives');
 *     sim.node('a', (env) => env.onMessage(heard));
 *     sim.node('b', (env) => env.send('a', 'hello'));
 *     await sim.run();
 *   },
 *   { runs: 50, link: { loss: 0.5 } },
 * );
 * runs // => 50
 * sometimes['a message arrives'] // => 21
 * ```
 */
export async function simulate(
  scenario: (sim: Sim) => unknown,
  options: CampaignOptions = {},
): Promise<CampaignReport> {
  check('scenario', scenario, func());
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(shape, name)));
  const { runs = 100, seed: firstSeed = 1, twice = 0.05 } = readOptions('simulate', own, shape);
  const settings: SimSettings = Object.fromEntries(
    Object.entries(options).filter(([name]) => !Object.hasOwn(shape, name)),
  );
  readSettings(settings);
  const reached = new Map<string, number>();
  let [steps, virtualMs, repeated] = [0, 0, 0];
  for (let i = 0; i < runs; i++) {
    const seed = firstSeed + i;
    const report = await play(scenario, settings, seed);
    steps += report.steps;
    virtualMs += report.virtualMs;
    for (const [name, times] of Object.entries(report.sometimes))
      reached.set(name, (reached.get(name) ?? 0) + Math.min(1, times));
    // Evenly spread, the first seed among them.
    if (Math.ceil(i * twice) === Math.ceil((i + 1) * twice)) continue;
    repeated++;
    const again = await play(scenario, settings, seed);
    if (again.traceHash !== report.traceHash) throw await unlike(scenario, settings, report);
  }
  const missed = [...reached].filter(([, seeds]) => seeds === 0).map(([name]) => name);
  if (runs > 1 && missed.length > 0) {
    const what = `not reached by any of ${String(runs)} seeds: ${missed.join(', ')}`;
    throw failure('sometimes', what, settings, { seed: firstSeed, virtualMs: 0, steps }, []);
  }
  return { runs, steps, virtualMs, twice: repeated, sometimes: Object.fromEntries(reached) };
}

async function play(scenario: (sim: Sim) => unknown, settings: SimSettings, seed: number): Promise<SimReport> {
  const sim = createSim({ ...settings, seed });
  await scenario(sim);
  const report = sim.report();
  if (report.steps === 0) throw invalid('scenario', 'one that awaits sim.run', scenario);
  return report;
}

/** Runs the seed twice more, to find where the runs part. */
async function unlike(scenario: (sim: Sim) => unknown, settings: SimSettings, report: SimReport): Promise<SimFailure> {
  const [one, other]: [string[], string[]] = [[], []];
  const seed = report.seed as number;
  await play(scenario, { ...settings, onTrace: (line) => one.push(line) }, seed);
  await play(scenario, { ...settings, onTrace: (line) => other.push(line) }, seed);
  const at = one.findIndex((line, i) => line !== other[i]);
  const trace = at === -1 ? [] : [...one.slice(Math.max(0, at - 10), at), `- ${one[at]!}`, `+ ${other[at] ?? ''}`];
  const what = 'one seed gave two different runs: something in it is not of the simulation';
  return failure('nondeterminism', what, settings, report, trace);
}

function failure(
  kind: SimFailureKind,
  what: string,
  settings: SimSettings,
  { seed, virtualMs, steps }: Pick<SimReport, 'seed' | 'virtualMs' | 'steps'>,
  trace: readonly string[],
): SimFailure {
  const replay = readSettings(settings).replay(seed);
  return new SimFailure(what, { kind, seed, atMs: virtualMs, steps, trace, plan: [], replay });
}
