import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Results } from './results.ts';
import type { Observation, Scenario } from './scenario.ts';

/** One run. */
export interface Job {
  readonly scenario: string;
  readonly column: string;
  readonly seed: number;
}

/** Runs every scenario in every column with the seeds 1 to `seeds`, in as many processes as there are processors. */
export async function runAll(scenarios: readonly Scenario[], seeds: number): Promise<ReadonlyMap<Scenario, Results>> {
  const jobs = scenarios.flatMap(({ name, columns }) =>
    columns.flatMap((column) =>
      Array.from({ length: seeds }, (_, i): Job => ({ scenario: name, column, seed: i + 1 })),
    ),
  );
  const observed = new Map<Job, Observation>();
  const left = [...jobs];
  const worker = async (): Promise<void> => {
    // By structured clone, for NaN and Infinity would be null as JSON.
    const child = fork(fileURLToPath(new URL('simulate-process.ts', import.meta.url)), {
      serialization: 'advanced',
      // Calls live for a few thousand others: with room for them, little is copied.
      execArgv: [...process.execArgv, '--max-semi-space-size=64'],
    });
    try {
      for (let job = left.shift(); job !== undefined; job = left.shift()) observed.set(job, await ask(child, job));
    } finally {
      child.kill();
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return new Map(
    scenarios.map((scenario) => [
      scenario,
      Object.fromEntries(
        scenario.columns.map((column) => [
          column,
          jobs
            .filter((job) => job.scenario === scenario.name && job.column === column)
            .map((job) => observed.get(job)!),
        ]),
      ),
    ]),
  );
}

async function ask(child: ChildProcess, job: Job): Promise<Observation> {
  const over = new AbortController();
  child.send(job);
  try {
    const answered = once(child, 'message', { signal: over.signal });
    const ended = once(child, 'exit', { signal: over.signal }).then(() => {
      throw new Error(`the process of ${JSON.stringify(job)} has ended`);
    });
    const [observation] = (await Promise.race([answered, ended])) as [Observation];
    return observation;
  } finally {
    over.abort();
  }
}
