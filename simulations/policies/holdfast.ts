import { LoadBalancer } from 'holdfast/balancing';
import type { MakePolicy } from './policy.ts';

/** The library itself, with its defaults. */
export const holdfast: MakePolicy = (servers, runtime) => {
  const pool = new LoadBalancer(servers, { runtime });
  return {
    run: (work, deadlineMs) =>
      deadlineMs === undefined
        ? pool.run((server) => work(server))
        : pool.run((server, attempt) => work(server, attempt), { deadline: deadlineMs }),
  };
};
