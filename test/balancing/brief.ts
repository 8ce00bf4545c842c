import { leastRequest, type LoadBalancer, type LoadBalancerOptions } from 'holdfast/balancing';

/** Who is there and what is in flight: what most tests look at of the statistics. */
export function brief(balancer: Pick<LoadBalancer<unknown>, 'stats'>): {
  readonly members: readonly { readonly id: string; readonly pending: number }[];
} {
  return { members: balancer.stats().members.map(({ id, pending }) => ({ id, pending })) };
}

/** Requests in flight and nothing else: choices that can be told from the numbers alone. */
export const plain: Pick<LoadBalancerOptions<unknown>, 'cost' | 'probation' | 'outlier'> = {
  cost: leastRequest(),
  probation: false,
  outlier: false,
};
