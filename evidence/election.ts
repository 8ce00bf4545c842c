/** Elections in virtual time, under trouble, as long as there is real time: has there ever been a second leader? */
import { simulate } from 'holdfast/testing';
import { electionScenario } from '../test/election/support/election-sim.ts';
import { type ClusterOptions, runCluster } from '../test/election/support/machine-cluster.ts';
import { clocks, drawn, latestMs } from '../test/election/support/worlds.ts';
import { read, type Stamp, stampOf, write } from './results.ts';
import type { Options, Section } from './section.ts';
import { count, source, table } from './text.ts';

interface Seeds {
  readonly from: number;
  readonly to: number;
}

interface ElectionResult {
  readonly stamp: Stamp;
  /** The pure machine, in a synchronous loop. */
  readonly machine: {
    readonly seeds: Seeds;
    readonly seconds: number;
    readonly candidates: string;
    readonly elections: number;
    readonly events: number;
    readonly dualLeaders: number;
    /** The longest time without a leader after the last fault, of what is allowed in that world. */
    readonly longestShare: number;
    readonly twice: number;
  };
  /** Whole elections, with stores and a fenced resource, in the simulator. */
  readonly whole: {
    readonly seeds: Seeds;
    readonly seconds: number;
    readonly candidates: string;
    readonly steps: number;
    readonly dualLeaders: number;
    readonly twice: number;
  };
  /** Clocks that differ by more than the promise is made for. */
  readonly outside: { readonly drift: number; readonly foundAfterSeeds: number };
}

const secondsOfSeed = 1_000;
/** One seed of so many is run a second time. */
const twiceOf = 20;
/** Other seeds than those of the suite. */
const firstSeed = 100_001;

async function measure({ minutes = 5 }: Options): Promise<void> {
  const endOf = (share: number): number => performance.now() + share * minutes * 60_000;
  const machine = runMachines(endOf(0.5));
  const whole = await runWhole(endOf(0.5));
  const result: ElectionResult = {
    stamp: stampOf(`npm run evidence -- election --minutes ${String(minutes)}`),
    machine,
    whole,
    outside: outside(0.03),
  };
  write('election', result);
}

function runMachines(untilMs: number): ElectionResult['machine'] {
  let [seed, elections, events, longestShare, twice] = [firstSeed, 0, 0, 0, 0];
  for (; performance.now() < untilMs; seed++) {
    const options = drawn(seed, secondsOfSeed);
    const seen = runCluster(options);
    if (seen.violations.length > 0) throw new Error(`seed ${String(seed)}: ${seen.violations[0]!}`);
    const { timing, expiry, trouble } = options;
    const share = seen.leaderlessMs / latestMs(timing, expiry, trouble.slowMs);
    if (share > 1) throw new Error(`seed ${String(seed)}: nobody leads for ${String(seen.leaderlessMs)} ms`);
    elections += seen.elections;
    events += seen.events;
    longestShare = Math.max(longestShare, share);
    if (seed % twiceOf === 0) {
      twice++;
      if (JSON.stringify(runCluster(options)) !== JSON.stringify(seen))
        throw new Error(`seed ${String(seed)} gave two different runs`);
    }
  }
  return {
    seeds: { from: firstSeed, to: seed - 1 },
    seconds: (seed - firstSeed) * secondsOfSeed,
    candidates: '2, 3 or 5',
    elections,
    events,
    dualLeaders: 0,
    longestShare: Math.round(longestShare * 1_000) / 1_000,
    twice,
  };
}

async function runWhole(untilMs: number): Promise<ElectionResult['whole']> {
  const batch = 20;
  let [seed, seconds, steps, twice] = [firstSeed, 0, 0, 0];
  for (; performance.now() < untilMs; seed += batch) {
    const expiry = (seed - firstSeed) % (2 * batch) === 0 ? 'server' : 'observer';
    const scenario = electionScenario({ expiry, fenced: true, troubledMs: 240_000 });
    const report = await simulate(scenario, { ...clocks, runs: batch, seed, twice: 1 / twiceOf });
    seconds += report.virtualMs / 1_000;
    steps += report.steps;
    twice += report.twice;
  }
  return { seeds: { from: firstSeed, to: seed - 1 }, seconds, candidates: '3', steps, dualLeaders: 0, twice };
}

/** How many seeds it takes to see two leaders where the promise does not hold: the check can fail. */
function outside(drift: number): ElectionResult['outside'] {
  for (let seed = firstSeed; ; seed++) {
    const world: ClusterOptions = { ...drawn(seed, 300, { guardMs: 0 }), maxDrift: drift };
    if (runCluster(world).violations.length > 0) return { drift, foundAfterSeeds: seed - firstSeed + 1 };
  }
}

function tell(): string | undefined {
  const result = read('election') as ElectionResult | undefined;
  if (result === undefined) return undefined;
  const { machine, whole, outside, stamp } = result;
  const days = (seconds: number): string => `${count(seconds)} (${(seconds / 86_400).toFixed(1)} days)`;
  const rows = [
    ['simulated seconds', days(machine.seconds), days(whole.seconds)],
    ['candidates', machine.candidates, whole.candidates],
    ['seeds', range(machine.seeds), range(whole.seeds)],
    ['instants with two leaders', String(machine.dualLeaders), String(whole.dualLeaders)],
    ['elections won', count(machine.elections), '–'],
    ['events', count(machine.events), count(whole.steps)],
    ['seeds run twice, with equal runs', `${count(machine.twice)}, all`, `${count(whole.twice)}, all`],
    [
      'longest wait for a leader after the last fault',
      `${String(machine.longestShare)} of what is allowed`,
      'within it',
    ],
  ];
  return [
    'The machine is the election’s pure decisions in a synchronous loop; whole elections are those that a user runs, with a store, and with a resource that is fenced, in the simulator. Messages are lost, doubled, late and out of order, calls to the store fail, hang or are done unheard, processes crash and stand still, networks part, clocks run apart by up to 1 % either way, and dates jump. That one candidate leads at most is looked at after every event.',
    table(['', 'the machine', 'whole elections'], rows),
    `Outside of the promise, where clocks run apart by ${String(outside.drift * 100)} % and no guard is left, the same check finds two leaders after ${String(outside.foundAfterSeeds)} ${outside.foundAfterSeeds === 1 ? 'seed' : 'seeds'}. \`test/election/safety.sim.test.ts\` runs a million seconds of it with every test run.`,
    source(stamp, 'one process'),
  ].join('\n\n');
}

function range({ from, to }: Seeds): string {
  return `${count(from)} to ${count(to)}`;
}

export const election: Section = { name: 'election', measure, tell };
