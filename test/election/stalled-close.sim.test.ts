/** A process that stands still while it closes, beside a store that is silent: many timers are due at once when it wakes. */
import { Election, type LeaseStore, MemoryLeaseStore } from 'holdfast/election';
import { type Sim, simulate } from 'holdfast/testing';
import { expect, it } from 'vitest';
import { firstSeed } from '../support/properties.ts';
import { hang } from './support/electorate.ts';
import { clocks } from './support/worlds.ts';

it('when close() has resolved no listener and no store is called, however many timers were due at once', async () => {
  const late: string[] = [];
  const scenario = async (sim: Sim): Promise<void> => {
    const draw = sim.random('times');
    const silentMs = 100 + draw() * 8_000;
    const closeMs = silentMs + draw() * 4_000;
    const isHeld = draw() < 0.5;
    let closed = false;
    const note = (what: string): void => {
      if (closed) late.push(`${what} with ${String(sim.seed)}`);
    };
    sim.node('a', ({ runtime }) => {
      const memory = new MemoryLeaseStore({ runtime });
      const { signal } = new AbortController();
      // Somebody else may have the lease for a while.
      if (isHeld) void memory.acquire({ key: 'x', holder: 'b', nonce: 'b', ttlMs: 5_000 }, signal);
      const asked = <A extends unknown[], T>(what: string, call: (...args: A) => Promise<T>) => {
        return async (...args: A): Promise<T> => {
          note(what);
          const answer = await call(...args);
          return sim.nowMs < silentMs ? answer : await hang();
        };
      };
      const store: LeaseStore = {
        expiry: memory.expiry,
        durability: memory.durability,
        limits: memory.limits,
        acquire: asked('acquire', (...args) => memory.acquire(...args)),
        renew: asked('renew', (...args) => memory.renew(...args)),
        release: asked('release', (...args) => memory.release(...args)),
        read: asked('read', (...args) => memory.read(...args)),
      };
      const election = new Election(store, { name: 'x', ttlMs: 3_000, drainMs: 400, runtime });
      for (const event of ['transition', 'elected', 'lost', 'renewed', 'leader'] as const)
        election.on(event, () => note(event));
      void election.run(({ signal: stop }) => (stop.aborted ? undefined : hang()));
      sim.at(closeMs, () => void election.close().then(() => (closed = true)));
    });
    sim.sometimes('it is closed', () => closed);
    sim.schedule([{ type: 'pause', node: 'a', atMs: closeMs + draw() * 300, forMs: 20_000 }]);
    await sim.run({ untilMs: closeMs + 60_000 });
  };
  await simulate(scenario, { ...clocks, runs: 200, seed: firstSeed });
  expect(late).toEqual([]);
});
