import { anything, check, func, readOptions } from '../../core/options.ts';
import type { Runtime } from '../../core/runtime.ts';
import type { Remote, RemoteOptions, SimEnv, SimNode } from './env.ts';
import { ProcessClock } from './process-clock.ts';
import { remoteOf } from './remote.ts';
import type { Machine, World } from './world.ts';

const remoteShape = { without: anything<readonly string[]>() };

/** @internal One life of a node. After its death its code may still run, and reaches nobody. */
export class Process implements SimEnv {
  readonly name: string;
  readonly incarnation: number;
  readonly clock: ProcessClock;
  readonly runtime: Runtime;
  readonly #machine: Machine;
  readonly #world: World;
  #handler: ((message: unknown, from: string) => void) | undefined;
  #alive = true;

  constructor(machine: Machine, incarnation: number, world: World) {
    this.name = machine.name;
    this.incarnation = incarnation;
    this.#machine = machine;
    this.#world = world;
    this.clock = new ProcessClock(world.queue, machine.time, machine.origin, (fire) => machine.wake(fire));
    let names = 0;
    this.runtime = {
      clock: this.clock,
      random: machine.random.stream('process').stream(String(incarnation)),
      unique: () => `${machine.name}.${String(incarnation)}.${String(++names)}`,
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  readonly send = (to: string, message: unknown): void => {
    const machine = this.#world.machine(to);
    if (!this.#alive) return;
    this.#world.network.send(this.name, machine, 'message', message, (arrived) => machine.hear(arrived, this.name));
  };

  readonly onMessage = (handler: (message: unknown, from: string) => void): void => {
    this.#handler = check('handler', handler, func());
  };

  readonly remote = <T extends object>(node: SimNode<T>, options?: RemoteOptions): Remote<T> => {
    const { without = [] } = readOptions('remote', options, remoteShape);
    const machine = this.#world.machine(node.name);
    return remoteOf<T>(this, this.#machine, machine, this.#world, new Set(without));
  };

  readonly log = (text: string, detail?: unknown): void => {
    if (this.#alive) this.#world.trace.add(this.#world.queue.nowMs, this.name, text, detail);
  };

  hear(message: unknown, from: string): void {
    this.#handler?.(message, from);
  }

  die(): void {
    this.#alive = false;
    this.clock.die();
  }
}
