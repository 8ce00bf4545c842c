import { describeWith, startEtcd } from '../../support/servers.ts';
import { severings } from './trials.ts';

describeWith(['etcd'], 'elections among processes, on etcd', () => {
  severings('etcd', startEtcd);
});
