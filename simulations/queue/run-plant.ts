import { VirtualClock } from 'holdfast/testing';
import { type Machine, type MakeRule, Plant } from './plant.ts';
import type { Jobs } from './traces.ts';

export interface RunOptions {
  readonly min: number;
  readonly max: number;
  readonly coldMs: number;
  /** The run lasts so long at least, and until all is done. */
  readonly durationMs: number;
  /** Does the work; when absent, each job takes its time, whatever the others do. */
  readonly machine?: (clock: VirtualClock) => Machine;
  /** Calls `look` every so often. */
  readonly sample?: { readonly everyMs: number; readonly look: (plant: Plant) => void };
}

export interface Ended {
  readonly plant: Plant;
  readonly endMs: number;
  /** What the workers have cost until then. */
  readonly paidMs: number;
}

/** One run of a rule over jobs, until all are done. */
export async function runPlant(jobs: Jobs, rule: MakeRule, options: RunOptions): Promise<Ended> {
  const clock = new VirtualClock();
  const { durationMs, sample, machine = alone } = options;
  const plant = new Plant(jobs, rule, { ...options, clock, machine: machine(clock) });
  if (sample !== undefined) {
    const look = (): void => {
      sample.look(plant);
      if (clock.now() < durationMs) clock.setTimer(sample.everyMs, look);
    };
    look();
  }
  await clock.advance(durationMs);
  while (plant.done < jobs.atMs.length) await clock.advance(1_000);
  // The second in which the last job has ended is paid for to its end, by all rules alike.
  const [endMs, paidMs] = [clock.now(), plant.paidMs];
  plant.close();
  return { plant, endMs, paidMs };
}

const alone =
  (clock: VirtualClock): Machine =>
  (serviceMs, done) => {
    clock.setTimer(serviceMs, done);
  };
