import type { Call } from '../calls/call.ts';
import type { Dyn } from '../core/live.ts';
import { check, func } from '../core/options.ts';
import { LoadBalancer } from './load-balancer.ts';
import type { LoadBalancerOptions } from './options.ts';
import type { RunOptions } from './run-options.ts';

/** A call that a {@link LoadBalancer} spreads over members. */
export interface ReplicatedCall<M, Req, Res> {
  (request: Req, options?: RunOptions): Promise<Res>;
  /** The balancer: its membership, statistics, events and end. */
  readonly balancer: LoadBalancer<M>;
}

/**
 * A {@link LoadBalancer} as a `Call`: each request goes to the best member. Promises what {@link LoadBalancer.run} does.
 *
 * @param members - the members, or a live list of them
 * @param call - how to call a member; the member's call gets signal and deadline in its options
 * @param options - those of {@link LoadBalancer}
 * @throws {@link HoldfastError} `INVALID_OPTION`; as a rejection what {@link LoadBalancer.run} rejects with
 * @example
 * ```ts
 * import { replicate } from 'holdfast/balancing';
 *
 * const get = replicate(['a', 'b'], (host) => async (path: string) => `${path} from ${host}`);
 * const answer = await get('/1', { deadline: 500 });
 * answer.startsWith('/1 from ') // => true
 * get.balancer.stats().members.length // => 2
 * ```
 */
export function replicate<M, Req, Res>(
  members: Dyn<readonly M[]>,
  call: (member: M) => Call<Req, Res>,
  options?: LoadBalancerOptions<M>,
): ReplicatedCall<M, Req, Res> {
  check('call', call, func());
  const balancer = new LoadBalancer(members, options);
  const replicated = async (request: Req, callOptions?: RunOptions): Promise<Res> =>
    await balancer.run(async (member, attempt) => await call(member)(request, attempt), callOptions);
  return Object.assign(replicated, { balancer });
}
