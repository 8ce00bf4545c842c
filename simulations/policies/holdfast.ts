import { LoadBalancer, type LoadBalancerOptions } from 'holdfast/balancing';
import type { SimulatedServer } from 'holdfast/testing';
import type { MakePolicy } from './policy.ts';

/** The library itself. */
export function holdfast(options: LoadBalancerOptions<SimulatedServer> = {}): MakePolicy {
  return (servers, runtime) => {
    const pool = new LoadBalancer(servers, { ...options, runtime });
    return {
      run: (work, deadlineMs) =>
        deadlineMs === undefined
          ? pool.run((server) => work(server))
          : pool.run((server, attempt) => work(server, attempt), { deadline: deadlineMs }),
    };
  };
}
