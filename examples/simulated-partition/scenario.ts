/** The service under partitions, bad links, pauses and crashes, and what must hold whatever happens. */
import { drawFaults, type Sim } from 'holdfast/testing';
import { Bank, type Ledger, Till } from './payments.ts';

const tills = ['till-1', 'till-2'];
const sales = 20;
const horizonMs = 30_000;

export const payments =
  ({ bankRemembers }: { readonly bankRemembers: boolean }) =>
  async (sim: Sim): Promise<void> => {
    const ledger: Ledger = { bookings: [] }; // outside of the process: a disk outlives it
    const bank = sim.node('bank', () => new Bank(ledger, bankRemembers));
    const sold = tills.map((name) =>
      sim.node(name, (env) => {
        const till = new Till(name, env.remote(bank), env.runtime);
        void till.sell(sales);
        return till;
      }),
    );

    sim.always('no payment is booked twice', () => {
      return new Set(ledger.bookings.map(({ id }) => id)).size === ledger.bookings.length;
    });
    sim.always('what is acknowledged is booked', () => {
      const booked = new Set(ledger.bookings.map(({ id }) => id));
      return sold.every((till) => till.value?.acknowledged.every(({ id }) => booked.has(id)) ?? true);
    });
    sim.sometimes('a call is cut off', () => sim.report().network.cut > 0);
    sim.sometimes('the bank crashes', () => bank.incarnation > 1);
    sim.eventually('all is paid', () => ledger.bookings.length === tills.length * sales, 60_000);

    // The tills keep what they have sold in memory: they are cut off, but they do not crash.
    const plan = { nodes: ['bank'], services: tills, horizonMs };
    sim.schedule(drawFaults(sim.random('faults'), plan));
    await sim.run({ untilMs: horizonMs + 60_000 });
  };
