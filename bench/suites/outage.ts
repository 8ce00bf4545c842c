import { dirname, join } from 'node:path';
import { handleAll, retry, timeout, TimeoutStrategy, wrap } from 'cockatiel';
import { BalancedPool, Pool, request } from 'undici';
import { type Replica, startReplicas } from '../../test/serving/replicas.ts';
import type { Subject } from '../subject.ts';
import type { Figure, MakeSuite } from '../vocabulary.ts';

const about = `Ten HTTP servers, each a process; one of them is stopped (SIGSTOP) for 5 s of 15 under 500 requests a second, evenly
sent whether the ones before were answered or not; an answer takes 2 ms. A request counts when its whole body was read within
500 ms. All contestants use undici's \`request\`, one after another, with new servers each.

- holdfast hedges after the 95th percentile, or after 50 ms, paid for by a budget of 10 %.
- cockatiel tries once more when 250 ms have passed or the request failed, on the next server in turn.
- undici's \`BalancedPool\` and round robin have the deadline and nothing else.
- _closed_: requests of which the stopped server saw, when it went on, that their caller had gone. _sockets_: the most that all
  servers had at a time.`;

const deadlineMs = 500;
const perSecond = 500;

/** One way of asking ten servers. */
interface Asking {
  readonly name: string;
  readonly target?: number;
  readonly make: (replicas: readonly Replica[]) => Asked;
}

interface Asked {
  readonly ask: (signal: AbortSignal) => Promise<unknown>;
  readonly extras?: () => number;
  readonly close?: () => Promise<void>;
}

const get = async (url: string, signal: AbortSignal): Promise<string> => {
  const { body } = await request(url, { signal });
  return await body.text();
};

const hedged = (
  name: string,
  { balancing: { LoadBalancer }, calls: { Budget } }: Subject,
  after: Parameters<Subject['calls']['hedge']>[1]['after'] | undefined,
): Asking => ({
  name,
  ...(after === undefined ? {} : { target: 0.995 }),
  make: (replicas) => {
    const pool = new LoadBalancer(replicas);
    const budget = new Budget({ ratio: 0.1, minPerSecond: 5 });
    const hedge = after === undefined ? undefined : { after };
    return {
      ask: () =>
        pool.run(({ url }, { signal }) => get(url, signal), { deadline: deadlineMs, hedge, budget: hedge && budget }),
      extras: () => budget.stats().extras,
    };
  },
});

const inTurn = (replicas: readonly Replica[]): (() => string) => {
  let turn = 0;
  return () => replicas[turn++ % replicas.length]!.url;
};

const others: readonly Asking[] = [
  {
    name: 'cockatiel, in turn, one retry after 250 ms',
    make: (replicas) => {
      const next = inTurn(replicas);
      const policy = wrap(retry(handleAll, { maxAttempts: 1 }), timeout(deadlineMs / 2, TimeoutStrategy.Aggressive));
      return { ask: () => policy.execute(({ signal }) => get(next(), signal)) };
    },
  },
  {
    name: 'undici BalancedPool',
    make: (replicas) => {
      const pool = new BalancedPool(
        replicas.map(({ url }) => url.replace(/\/$/, '')),
        { factory: (origin) => new Pool(origin) },
      );
      return {
        ask: async (signal) => {
          const { body } = await pool.request({ path: '/', method: 'GET', signal });
          return await body.text();
        },
        close: () => pool.destroy(),
      };
    },
  },
  {
    name: 'in turn',
    make: (replicas) => {
      const next = inTurn(replicas);
      return { ask: (signal) => get(next(), signal) };
    },
  },
];

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function outage({ name, target, make }: Asking, folder: string, scale: number): Promise<Figure> {
  const { replicas, stop } = await startReplicas(10, folder);
  const asked = make(replicas);
  const partMs = 5_000 * scale;
  const sent: Promise<boolean>[] = [];
  const ask = async (): Promise<boolean> => {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), deadlineMs);
    const startMs = performance.now();
    try {
      const body = await asked.ask(over.signal);
      return String(body).length > 100 && performance.now() - startMs <= deadlineMs;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  };
  /** At fixed times; what is late is made up for at once. */
  const load = async (ms: number): Promise<void> => {
    const startMs = performance.now();
    for (let i = 0; i < (ms * perSecond) / 1_000; i++) {
      const wait = startMs + (i * 1_000) / perSecond - performance.now();
      if (wait > 1) await sleep(wait);
      sent.push(ask());
    }
  };
  try {
    await load(partMs);
    const before = sent.length;
    replicas[0]!.signal('SIGSTOP');
    await load(partMs);
    replicas[0]!.signal('SIGCONT');
    const after = sent.length;
    await load(partMs);
    const good = await Promise.all(sent);
    await sleep(100);
    const counts = await Promise.all(replicas.map((replica) => replica.counts()));
    const share = (some: readonly boolean[]): string =>
      `${((100 * some.filter(Boolean).length) / some.length).toFixed(2)} %`;
    const sockets = counts.reduce((sum, { mostSockets }) => sum + mostSockets, 0);
    const extras = asked.extras === undefined ? '' : `, ${String(asked.extras())} extra attempts in the last 10 s`;
    return {
      name: `one of ten servers stopped: answered within ${String(deadlineMs)} ms`,
      contestant: name,
      value: `${share(good)}; while it was stopped ${share(good.slice(before, after))}; closed ${String(counts[0]!.closedEarly)}, sockets ${String(sockets)}${extras}`,
      ...(target === undefined
        ? {}
        : { target: `≥ ${String(100 * target)} %`, met: good.filter(Boolean).length >= target * good.length }),
    };
  } finally {
    await stop();
    await asked.close?.();
  }
}

/** Real servers, one of which is stopped for a while. */
export const suite: MakeSuite = (subject) => ({
  title: 'One of ten servers is stopped',
  about,
  peers: ['undici', 'cockatiel'],
  cases: [],
  findings: async (scale) => {
    const folder = join(dirname(process.argv[2]!), 'test', 'serving');
    const figures: Figure[] = [];
    const asking = [
      hedged('holdfast, hedged by percentile', subject, subject.calls.percentile(0.95)),
      hedged('holdfast, hedged after 50 ms', subject, 50),
      hedged('holdfast, not hedged', subject, undefined),
      ...others,
    ];
    for (const entry of asking) figures.push(await outage(entry, folder, Math.max(0.02, scale)));
    return { figures };
  },
});
