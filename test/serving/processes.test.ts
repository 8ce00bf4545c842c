/** Real servers, real sockets: what virtual time cannot show. No figure is judged here; those are in the benchmark. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LoadBalancer } from 'holdfast/balancing';
import { Budget } from 'holdfast/calls';
import { scatterGather } from 'holdfast/scatter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Replica, startReplicas } from './replicas.ts';

let servers: Awaited<ReturnType<typeof startReplicas>>;
beforeAll(async () => {
  servers = await startReplicas(4);
});
afterAll(async () => {
  await servers.stop();
});

const get = (replica: Replica, signal: AbortSignal): Promise<Response> => fetch(replica.url, { signal });
const discard = (response: Response): Promise<void> | undefined => response.body?.cancel();

/** Waits for what a server will have seen soon. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500 && !(await holds()); i++) await sleep(10);
  expect(await holds()).toBe(true);
}

describe('four servers, one of them stopped', () => {
  it('answers every call, closes what lost, keeps its sockets, and leaves the winner readable', async () => {
    const pool = new LoadBalancer(servers.replicas);
    const budget = new Budget({ ratio: 0.2, minPerSecond: 10 });
    const [stopped, ...others] = servers.replicas;
    const call = async (): Promise<string> => {
      const response = await pool.run((replica, { signal }) => get(replica, signal), {
        deadline: 20_000,
        hedge: { after: 50 },
        budget,
        discard,
      });
      await sleep(1); // the call is over; its body is not read yet
      return await response.text();
    };
    await until(async () => {
      await Promise.all(Array.from({ length: 40 }, call));
      const counts = await Promise.all(servers.replicas.map((replica) => replica.counts()));
      return counts.every(({ answered }) => answered > 0);
    });
    stopped!.signal('SIGSTOP');
    const answers: string[] = [];
    try {
      for (let i = 0; i < 40; i++) answers.push(...(await Promise.all(Array.from({ length: 5 }, call))));
    } finally {
      stopped!.signal('SIGCONT');
    }
    expect(answers).toHaveLength(200);
    for (const answer of answers) expect(answer.length).toBeGreaterThan(500);
    await until(async () => (await stopped!.counts()).closedEarly > 0);
    expect(budget.stats().extras).toBeGreaterThan(0);
    for (const { counts } of others) {
      const { mostSockets } = await counts();
      // 40 calls at once were the most that there ever were, a hedge each, and one for the counts.
      expect(mostSockets).toBeLessThanOrEqual(81);
    }
    await until(() => Promise.resolve(pool.stats().members.every(({ pending }) => pending === 0)));
    // Healed, it is asked again.
    const { answered } = await stopped!.counts();
    await until(async () => {
      await Promise.all(Array.from({ length: 8 }, call));
      return (await stopped!.counts()).answered > answered;
    });
  });

  it('gathers from those that answer, and the stopped one sees its request closed', async () => {
    const [stopped] = servers.replicas;
    const before = (await stopped!.counts()).closedEarly;
    stopped!.signal('SIGSTOP');
    try {
      const { values, outcomes, coverage } = await scatterGather(
        servers.replicas,
        async (replica, { signal }) => {
          // By its answer the request of the other has been sent as well; and that one hears of the end before it has answered.
          const response = await fetch(`${replica.url}slow`, { signal });
          return await response.text();
        },
        { deadline: 20_000, require: 3 },
      );
      expect(values).toHaveLength(3);
      expect(coverage).toBe(0.75);
      expect(outcomes.map(({ status }) => status)).toEqual(['cancelled', 'ok', 'ok', 'ok']);
    } finally {
      stopped!.signal('SIGCONT');
    }
    await until(async () => (await stopped!.counts()).closedEarly > before);
  });
});
