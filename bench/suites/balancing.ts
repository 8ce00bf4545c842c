import { handleAll, retry, timeout, TimeoutStrategy, wrap } from 'cockatiel';
import CircuitBreaker from 'opossum';
import { BalancedPool, Pool } from 'undici';
import { type Case, contestant, type MakeSuite } from '../vocabulary.ts';

const about = `Calls that answer at once: what is measured is what a balancer adds to a call over a network. One at a time.

- \`LoadBalancer.run\` chooses by latency, age, load and failures, keeps health, and settles at a deadline or an abort. Its
  attempt's signal is made when the call looks at it, and these do not; the rows "with a deadline" set and clear a timer.
- undici's \`BalancedPool\` chooses by weights that connection errors lower. Its upstreams are replaced by ones that answer at
  once, so that no socket is part of the figure: dispatch, choice and answer.
- cockatiel (retry and timeout) and opossum (breaker with timeout) do not balance: they run the same call for one member. They
  are what Node services put in this place.
- \`pick\` and \`release\` are the choice and the bookkeeping alone.`;

const deadlineMs = 1_000;
const work = async (): Promise<number> => 1;

/** An upstream of undici that answers at once. */
class Upstream extends Pool {
  override dispatch(_options: unknown, handler: { onComplete?: ((trailers: string[]) => void) | undefined }): boolean {
    handler.onComplete?.([]);
    return true;
  }
}

const names = (size: number): string[] => Array.from({ length: size }, (_, i) => `http://member-${String(i)}`);

function balancedPool(size: number): () => Promise<number> {
  const pool = new BalancedPool(names(size), { factory: (origin) => new Upstream(origin) });
  return () =>
    new Promise((resolve, reject) => {
      // The callbacks of undici's older interface, which is also that of its own request().
      const handler: object = {
        onConnect: () => undefined,
        onError: reject,
        onHeaders: () => true,
        onData: () => true,
        onComplete: () => resolve(1),
      };
      pool.dispatch({ path: '/', method: 'GET' }, handler);
    });
}

/** The call of a balancer that answers at once. */
export const suite: MakeSuite = ({
  balancing: { latencyAndFailures, leastRequest, LoadBalancer, peakEwma, roundRobin },
}) => {
  const policy = wrap(retry(handleAll, { maxAttempts: 1 }), timeout(deadlineMs, TimeoutStrategy.Aggressive));
  const breaker = new CircuitBreaker(work, { timeout: deadlineMs });

  const side = (size: number, ns: number): readonly Case[] => {
    const balancer = new LoadBalancer(names(size));
    const dispatch = balancedPool(size);
    return [
      {
        name: `one call over ${String(size)} members`,
        target: { ns },
        contestants: [
          contestant('holdfast LoadBalancer.run', () => balancer.run(work)),
          contestant('undici BalancedPool', dispatch),
        ],
      },
      {
        name: `the same over ${String(size)}, with a deadline`,
        contestants: [
          contestant('holdfast LoadBalancer.run', () => balancer.run(work, { deadline: deadlineMs })),
          contestant('cockatiel retry + timeout, one member', () => policy.execute(work)),
          contestant('opossum breaker + timeout, one member', () => breaker.fire()),
        ],
      },
    ];
  };

  const costs = (size: number): Case => {
    const choose = (name: string, balancer: { pick(): { release(): void } }) =>
      contestant(name, () => {
        balancer.pick().release();
        return 1;
      });
    return {
      name: `pick and release, ${String(size)} members`,
      contestants: [
        choose('latencyAndFailures', new LoadBalancer(names(size), { cost: latencyAndFailures() })),
        choose('latencyAndFailures, all looked at', new LoadBalancer(names(size), { choices: 'all' })),
        choose('latencyAndFailures, two looked at', new LoadBalancer(names(size), { choices: 2 })),
        choose('peakEwma', new LoadBalancer(names(size), { cost: peakEwma() })),
        choose('leastRequest', new LoadBalancer(names(size), { cost: leastRequest() })),
        choose('roundRobin', new LoadBalancer(names(size), { cost: roundRobin() })),
      ],
    };
  };

  return {
    title: 'Balancing of calls that answer at once',
    about,
    peers: ['undici', 'cockatiel', 'opossum'],
    cases: [...side(8, 5_000), ...side(100, 15_000), costs(8), costs(100)],
  };
};
