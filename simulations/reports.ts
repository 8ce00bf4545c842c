import { elastic } from './queue/elastic.ts';
import { guard } from './queue/guard.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios/index.ts';

/** A file of the documentation, and the scenarios that it shows. */
export interface Report {
  /** In `docs`. */
  readonly file: string;
  readonly title: string;
  /** What the figures are; they are medians of the seeds. */
  readonly about: string;
  readonly scenarios: readonly Scenario[];
}

const balancing: Report = {
  file: 'simulation-report.md',
  title: 'Simulations',
  about:
    'What balancers, hedges and gathers do to the calls of a service when servers become slow, fail, go silent and heal, in virtual time. The columns named after others are small models of their algorithms, written from what is published ([simulations/policies](../simulations/policies/index.ts)), without their retries, ejections and health checks; _holdfast_ is `LoadBalancer` with its defaults. All columns of a row see the same calls and the same luck of the servers.',
  scenarios,
};

const queue: Report = {
  file: 'elastic-report.md',
  title: 'Elastic workers',
  about:
    'How pools of workers follow their work, in virtual time. _fixed max_ has 64 workers at all times: no rule can let jobs wait less, and none is dearer. The other columns are small models of what others do, written from their sources and documentation ([simulations/queue](../simulations/queue/rules.ts)): a worker more for each job that finds none idle, and away at once or after 30 s without work; Celery’s autoscaler; KEDA with five jobs a replica, looked at each 30 s; Crawlee’s pool. _holdfast_ is `Scaler` with its defaults. Worker time is counted from the moment a worker is started, and 1.00 would be workers that are always busy. All columns of a row see the same jobs.',
  scenarios: [...elastic, ...guard],
};

export const reports: readonly Report[] = [balancing, queue];
