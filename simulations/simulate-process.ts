/** Runs what it is asked for, one at a time. */
import type { Job } from './pool.ts';
import { scenarios } from './scenarios/index.ts';

process.on('message', ({ scenario, column, seed }: Job) => {
  void scenarios
    .find(({ name }) => name === scenario)!
    .run(column, seed)
    .then((observation) => process.send!(observation));
});
