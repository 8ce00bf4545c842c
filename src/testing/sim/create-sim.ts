import type { SimOptions } from './settings.ts';
import type { Sim } from './sim.ts';
import { Simulation } from './simulation.ts';

/**
 * A cluster in one process, in virtual time: nodes with clocks of their own, a network that loses, delays, doubles and
 * reorders, partitions, pauses, crashes, and conditions that are looked at after every event. The code of the nodes is your
 * own; it takes time and chance from `env.runtime`, and everybody else it talks to from `env`.
 *
 * Promises: a run is a function of the seed and the program, to the last bit (`traceHash`); after every event all promise
 * chains that are ready have run, however deep, and then every `always` is looked at; each link, node and fault has chance of
 * its own, so that one fault more or less does not shift the luck of the others. A failure says how to repeat it.
 *
 * Does not promise: that a run finds a fault that is there, only that what it finds is one. Sees neither threads nor the
 * order of instructions within an event: code between two `await`s is atomic, as it is in Node. A loop of promises that never
 * ends is not detected. One simulation at a time in a process, for rejections that nobody handles count for it.
 *
 * Complexity: O(log n) for an event among n that are set; some six microseconds each, a copy of the message included.
 *
 * Source: the simulation of FoundationDB; TigerBeetle's VOPR; Tokio's turmoil.
 *
 * @param options - the seed, and what the world is like
 * @throws {@link HoldfastError} `INVALID_OPTION`
 * @example
 * ```ts
 * import { createSim, isSimFailure } from 'holdfast/testing';
 *
 * const sim = createSim({ seed: 7 });
 * const store = sim.node('store', () => {
 *   let holder = '';
 *   return { take: async (name: string) => (holder === '' ? (holder = name) : holder) === name };
 * });
 * const clients = ['a', 'b'].map((name) => sim.node(name, (env) => env.remote(store).take(name)));
 *
 * sim.always('one holder at most', () => clients.filter((client) => client.value).length <= 1);
 * const { steps, traceHash } = await sim.run();
 * steps // => 7
 *
 * const again = createSim({ seed: 7 });
 * again.node('lonely', () => new Promise(() => undefined));
 * await again.run().catch(isSimFailure) // => true
 * ```
 */
export function createSim(options: SimOptions): Sim {
  return new Simulation(options);
}
