/* Whole elections in the simulator, with a store, and a resource that the leader writes to. */

import { Election, type LeaseStore, MemoryLeaseStore, type Term } from 'holdfast/election';
import { drawFaults, type Remote, type Sim, type SimEnv, type SimNode } from 'holdfast/testing';
import { hints } from '../../../src/election/hints.ts';
import { observerStore } from './observer-store.ts';

export interface ElectionSimOptions {
  readonly expiry: 'server' | 'observer';
  /** Whether the resource refuses smaller tokens. */
  readonly fenced: boolean;
  /** Whether a store that was started anew knows what it knew. */
  readonly keeps?: boolean | undefined;
  readonly troubledMs: number;
  readonly ttlMs?: number | undefined;
}

const ids = ['a', 'b', 'c'];
const calmMs = 60_000;

interface Resource {
  write(token: bigint): Promise<boolean>;
}

/** A process that stands for election, again and again. */
interface Standing {
  /** The terms that have not been seen to be over. */
  readonly terms: Term[];
}

export const electionScenario =
  (options: ElectionSimOptions) =>
  async (sim: Sim): Promise<void> => {
    const { expiry, fenced, keeps = true, troubledMs, ttlMs = 3_000 } = options;
    const watched = sim.random('watched')() < 0.5;
    const history: bigint[] = [];
    let highest = 0n;
    const refused = sim.sometimes('a write came too late');
    const resource = sim.node<Resource>('resource', () => ({
      async write(token) {
        if (fenced && token < highest) {
          refused();
          return false;
        }
        if (token < highest) refused();
        if (token > highest) highest = token;
        history.push(token);
        return true;
      },
    }));
    let lastToken = 0n;
    const wrong: string[] = [];
    let lastGrant = 0n;
    const store = storeNode(sim, expiry, keeps, watched, (token) => {
      if (token < lastGrant) wrong.push(`token ${String(token)} was granted after ${String(lastGrant)}`);
      lastGrant = token;
    });
    const elected = (term: Term): void => {
      if (keeps && term.token <= lastToken) wrong.push(`token ${String(term.token)} after ${String(lastToken)}`);
      lastToken = term.token;
    };
    const deaf = sim.random('deaf')() < 0.5;
    const nodes = ids.map((id) =>
      sim.node(id, (env) => {
        const process = new Process(env, storeOf(env, store, expiry, deaf, watched), ttlMs, wrong, elected);
        void process.stand(env.remote(resource), () => sim.nowMs < troubledMs);
        return process;
      }),
    );
    sim.always('all is as it should be', () => {
      if (wrong.length > 0) throw new Error(wrong[0]);
      return true;
    });
    if (keeps) sim.always('one leader at most', () => leadersAt(nodes) <= 1);
    // The slip that an unfenced resource lets through is what the guide's first screen warns of.
    if (fenced) {
      sim.always('one leader after the other has written', () => (history.at(-2) ?? 0n) <= (history.at(-1) ?? 0n));
    } else {
      sim.sometimes('what a later leader wrote is overwritten', () => (history.at(-2) ?? 0n) > (history.at(-1) ?? 0n));
    }
    sim.sometimes('the leader changes', () => new Set(history).size > 2);
    const lease = (ttlMs * 1.01) / 0.99 + ttlMs / 20 + ttlMs / 10;
    const retry = ttlMs / 4 + 1_000;
    const poll = expiry === 'observer' ? ttlMs / 3 : 0;
    // Bodies stop within half a second, and what is under way may take the lease for nobody.
    sim.eventually('somebody leads', () => leadersAt(nodes, true) > 0, 12_000 + lease + 2 * retry + poll + 500);
    trouble(sim, troubledMs, keeps);
    await sim.run({ untilMs: troubledMs + calmMs });
  };

function trouble(sim: Sim, horizonMs: number, keeps: boolean): void {
  const random = sim.random('trouble');
  const share = (most: number): number => (random() < 0.5 ? 0 : random() * most);
  const bad = {
    refused: share(0.2),
    unacknowledged: share(0.2),
    unanswered: share(0.2),
    late: share(0.3),
    lateMs: 4_000,
  };
  sim.at(1, () => {
    const end = sim.calls('store', bad);
    sim.at(horizonMs, end);
  });
  const common = {
    services: keeps ? ['resource'] : ['resource', 'store'],
    horizonMs,
    maxDrift: 0.01,
    maxForMs: 12_000,
    maxExtraMs: 3_000,
  };
  sim.schedule(drawFaults(random, { ...common, nodes: keeps ? [...ids, 'store'] : ids, maxFaults: 40 }));
  // A few more for those who lead.
  sim.schedule(drawFaults(random, { ...common, nodes: ids, maxFaults: 20, types: ['pause', 'crash', 'partition'] }));
  // It is empty afterwards; its date has not gone back, or its tokens might.
  if (!keeps) sim.schedule([{ type: 'crash', node: 'store', atMs: horizonMs / 2, forMs: 100 }]);
}

/** How many `check`s pass. Asked only of two or more, for who is asked may learn that his term is over. */
function leadersAt(nodes: readonly SimNode<Standing>[], anyway = false): number {
  const terms = nodes.flatMap(({ value }) => value?.terms ?? []);
  if (terms.length < 2 && !anyway) return terms.length;
  for (const { value } of nodes) value?.terms.splice(0, Infinity, ...value.terms.filter(passes));
  return nodes.reduce((sum, { value }) => sum + (value?.terms.length ?? 0), 0);
}

function passes(term: Term): boolean {
  try {
    term.check();
    return true;
  } catch {
    return false;
  }
}

function storeNode(
  sim: Sim,
  expiry: 'server' | 'observer',
  keeps: boolean,
  watched: boolean,
  granted: (token: bigint) => void,
): SimNode<LeaseStore> {
  let kept: LeaseStore | undefined;
  let hint = (): void => undefined;
  return sim.node('store', (env): LeaseStore => {
    // Its leases outlive the process, as those on a disk do.
    if (kept === undefined || !keeps) {
      kept =
        expiry === 'server'
          ? new MemoryLeaseStore({ runtime: env.runtime })
          : observerStore(() => env.runtime.clock.wallNow(), () => hint()); // prettier-ignore
    }
    hint = () => {
      if (watched) for (const id of ids) env.send(id, 'hint');
    };
    const mine = kept;
    if (mine.watch !== undefined) {
      const tell = hint;
      const hinted = mine.watch('x', new AbortController().signal)[Symbol.asyncIterator]();
      void (async () => {
        while ((await hinted.next()).done !== true) tell();
      })();
    }
    return {
      expiry: mine.expiry,
      durability: mine.durability,
      limits: mine.limits,
      acquire: async (...args) => {
        const result = await mine.acquire(...args);
        if (result.granted) granted(result.record.token);
        return result;
      },
      renew: (...args) => mine.renew(...args),
      release: (...args) => mine.release(...args),
      read: (...args) => mine.read(...args),
    };
  });
}

/** The store as a candidate has it; a deaf one does not heed signals, so that answers come after all. */
function storeOf(
  env: SimEnv,
  node: SimNode<LeaseStore>,
  expiry: 'server' | 'observer',
  deaf: boolean,
  watched: boolean,
): LeaseStore {
  const remote: Remote<LeaseStore> = env.remote(node, { without: ['watch'] });
  const heard = (signal: AbortSignal): AbortSignal => (deaf ? new AbortController().signal : signal);
  const store: LeaseStore = {
    expiry,
    durability: 'linearizable',
    limits: { minTtlMs: 1, stepMs: 1 },
    acquire: (candidacy, signal) => remote.acquire(candidacy, heard(signal)),
    renew: (held, patch, signal) => remote.renew(held, patch, heard(signal)),
    release: (held, signal) => remote.release(held, heard(signal)),
    read: (key, signal) => remote.read(key, heard(signal)),
  };
  if (!watched) return store;
  const watch = (_key: string, signal: AbortSignal): AsyncIterable<unknown> =>
    hints(signal, (tell) => {
      env.onMessage(tell);
      tell();
      return () => env.onMessage(() => undefined);
    });
  return { ...store, watch };
}

class Process implements Standing {
  readonly terms: Term[] = [];
  readonly #env: SimEnv;
  readonly #store: LeaseStore;
  readonly #ttlMs: number;
  readonly #wrong: string[];
  readonly #elected: (term: Term) => void;
  #bodies = 0;

  constructor(env: SimEnv, store: LeaseStore, ttlMs: number, wrong: string[], elected: (term: Term) => void) {
    this.#env = env;
    this.#store = store;
    this.#ttlMs = ttlMs;
    this.#wrong = wrong;
    this.#elected = elected;
  }

  /** Stands for a while, closes, and stands anew, as long as it may close. */
  async stand(resource: Resource, mayClose: () => boolean): Promise<never> {
    const { clock, random } = this.#env.runtime;
    for (;;) {
      const election = this.#make();
      const ending = new AbortController();
      const style = random();
      const done = (style < 0.5 ? this.#run(election, resource, ending.signal) : this.#acquire(election, resource, ending.signal)).catch((error: unknown) => this.#wrong.push(String(error))); // prettier-ignore
      do await clock.sleep(random() * 40_000);
      while (!mayClose());
      if (style < 0.25) ending.abort(new Error('enough'));
      else await election.close();
      await done;
      await election.close();
      closed.add(election);
      await clock.sleep(random() * 1_000);
    }
  }

  #make(): Election {
    const { runtime, name: id } = this.#env;
    const lockDelayMs = runtime.random() < 0.3 ? 300 : 0;
    const election = new Election(this.#store, {
      name: 'x',
      id,
      ttlMs: this.#ttlMs,
      runtime,
      drainMs: 400,
      lockDelayMs,
    });
    let leading = false;
    const expect = (what: string, holds: boolean): void => {
      if (!holds || closed.has(election)) this.#wrong.push(`${id}: ${what} at the wrong time`);
    };
    election.on('elected', ({ term }) => {
      expect('elected', !leading);
      leading = true;
      this.terms.push(term);
      this.#elected(term);
    });
    election.on('lost', () => {
      expect('lost', leading);
      leading = false;
    });
    election.on('transition', ({ to }) => {
      expect(to, to !== 'released' || leading);
      if (to === 'released') leading = false;
    });
    return election;
  }

  async #run(election: Election, resource: Resource, signal: AbortSignal): Promise<void> {
    await election.run((term) => this.#lead(term, resource), { signal });
  }

  async #acquire(election: Election, resource: Resource, signal: AbortSignal): Promise<void> {
    for await (const term of election.terms({ signal })) {
      await this.#lead(term, resource, signal);
      if (signal.aborted) break;
    }
  }

  /** Writes until it should stop, and takes its time to stop. */
  async #lead(term: Term, resource: Resource, signal?: AbortSignal): Promise<void> {
    const { clock, random } = this.#env.runtime;
    if (++this.#bodies > 1) this.#wrong.push('two bodies at a time');
    while (!term.signal.aborted && signal?.aborted !== true) {
      await clock.sleep(100 + random() * 900);
      if (!passes(term)) break;
      await clock.sleep(random() * 600); // the work; a pause may come in between
      await Promise.race([resource.write(term.token), clock.sleep(500)]);
    }
    await clock.sleep(random() * 500);
    this.#bodies--;
  }
}

/** Of these nothing is to be heard any more. */
const closed = new WeakSet<Election>();
