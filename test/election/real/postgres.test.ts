import { describeWith, startPostgres } from '../../support/servers.ts';
import { severings } from './trials.ts';

describeWith(['postgres', 'initdb'], 'elections among processes, on postgres', () => {
  severings('postgres', startPostgres);
});
