/** Runs what it is asked for, one at a time. */
import type { Job } from './pool.ts';
import { reports } from './reports.ts';

process.on('message', ({ scenario, column, seed }: Job) => {
  void reports
    .flatMap(({ scenarios }) => scenarios)
    .find(({ name }) => name === scenario)!
    .run(column, seed)
    .then((observation) => process.send!(observation));
});
