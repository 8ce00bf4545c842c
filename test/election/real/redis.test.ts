import { describeWith, startRedis } from '../../support/servers.ts';
import { severings } from './trials.ts';

describeWith(['redis-server'], 'elections among processes, on redis', () => {
  severings('redis', startRedis);
});
