import type { Runtime } from 'holdfast/core';
import {
  seededRandom,
  type SeededRandom,
  SimulatedServer,
  type SimulatedServerOptions,
  VirtualClock,
} from 'holdfast/testing';

/**
 * One run of a scenario: a clock and chance of its own. Each source of chance has a stream by name, so that every column
 * sees the same arrivals and the same luck of the servers.
 */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  random(name: string): SeededRandom {
    return this.#random.stream(name);
  }

  runtime(name: string): Runtime {
    return { clock: this.clock, random: this.random(name) };
  }

  /** Servers s0, s1, …, each with its own luck. */
  servers(
    count: number,
    options: (index: number) => Omit<SimulatedServerOptions, 'id' | 'runtime'>,
  ): SimulatedServer[] {
    return Array.from({ length: count }, (_, index) => {
      const id = `s${String(index)}`;
      return new SimulatedServer({ ...options(index), id, runtime: this.runtime(id) });
    });
  }

  /** Until nothing is left to happen. */
  async run(): Promise<void> {
    await this.clock.runUntilIdle({ maxTimers: 1_000_000_000 });
  }
}
