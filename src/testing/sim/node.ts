import { check, func } from '../../core/options.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { CallFaults } from './call-faults.ts';
import type { Start } from './env.ts';
import { originOf } from './event-queue.ts';
import { LocalTime } from './local-time.ts';
import { type NodeOptions, readNode } from './node-options.ts';
import { Process } from './process.ts';
import type { Machine, World } from './world.ts';

/** @internal How far apart the clocks are, when nothing else is said. */
export interface ClockSpread {
  readonly maxDrift: number;
  readonly maxOffsetMs: number;
}

interface Work {
  readonly run: () => void;
  readonly lost: () => void;
  readonly timer: boolean;
}

const nothing = (): void => undefined;

/** @internal A machine with at most one process on it. */
export class Node implements Machine {
  readonly name: string;
  readonly origin: number;
  readonly time: LocalTime;
  readonly random: SeededRandom;
  calls: CallFaults;
  /** What the last process that has started offers; the names of its methods outlive it. */
  offered: unknown;
  readonly #start: Start<unknown>;
  readonly #world: World;
  readonly #luck = new Map<string, SeededRandom>();
  readonly #pauses = new Set<object>();
  #held: Work[] = [];
  #process: Process | undefined;
  #value: unknown;
  #starting = false;
  #incarnation = 0;

  constructor(
    name: string,
    start: Start<unknown>,
    world: World,
    spread: ClockSpread,
    epochMs: number,
    options?: NodeOptions,
  ) {
    const values = readNode(options);
    this.name = name;
    this.#start = check('start', start, func());
    this.#world = world;
    this.random = world.random.stream('node').stream(name);
    this.origin = originOf(this.random);
    this.calls = values.calls;
    const drawn = this.random.stream('clock');
    const [drift, offset, wall] = [drawn() * 2 - 1, drawn(), drawn() * 2 - 1];
    const originMs = values.offsetMs ?? offset * spread.maxOffsetMs;
    const wallOffsetMs = values.wallOffsetMs ?? wall * spread.maxOffsetMs;
    const rate = values.rate ?? 1 + drift * spread.maxDrift;
    this.time = new LocalTime(world.queue, rate, originMs, epochMs + world.queue.nowMs + wallOffsetMs - originMs);
  }

  get value(): unknown {
    return this.#value;
  }

  get up(): boolean {
    return this.#process !== undefined;
  }

  get paused(): boolean {
    return this.#pauses.size > 0;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  /** Whether its process runs and has not come to the end of `start`. */
  get starting(): boolean {
    return this.#starting && !this.paused;
  }

  /** Begins a process, if there is none. */
  begin(): void {
    if (this.#process !== undefined) return;
    const process = new Process(this, ++this.#incarnation, this.#world);
    this.#process = process;
    this.#starting = true;
    this.#note(`start ${String(this.#incarnation)}`);
    const started = (value: unknown): void => {
      if (!process.alive) return;
      this.#starting = false;
      this.#value = this.offered = value;
    };
    this.#perform(() => {
      const result = this.#start(process);
      if (!isPromise(result)) started(result);
      else result.then(started, (error: unknown) => (process.alive ? this.#failed(error) : undefined));
    });
  }

  /** Ends the process, if there is one, and all that waits for it. */
  crash(): void {
    if (this.#process === undefined) return;
    this.#note('crash');
    this.#process.die();
    this.#process = undefined;
    this.#value = undefined;
    this.#starting = false;
    this.#pauses.clear();
    const held = this.#held;
    this.#held = [];
    for (const work of held) work.lost();
  }

  /** Holds the process until each pause is over; `pause` is the handle of one. */
  pause(pause: object): void {
    if (this.#process === undefined) return;
    if (!this.paused) this.#note('pause');
    this.#pauses.add(pause);
  }

  /** Ends one pause, or all. */
  resume(pause?: object): void {
    const pauses = this.#pauses;
    if (pauses.size === 0) return;
    if (pause === undefined) pauses.clear();
    else pauses.delete(pause);
    if (pauses.size > 0) return;
    this.#note('resume');
    const held = this.#mixed();
    this.#held = [];
    const { queue } = this.#world;
    for (const work of held) queue.add(queue.nowMs, this.origin, () => this.#admit(work));
  }

  /** Has its clock run at another rate, or its date jump. */
  skew(rate: number | undefined, wallJumpMs: number): void {
    this.#note('skew', { rate, wallJumpMs });
    this.time.jump(wallJumpMs);
    if (rate === undefined) return;
    this.time.setRate(rate);
    this.#process?.clock.reset();
  }

  enter(arrive: () => void, lost: () => void): void {
    this.#admit({ run: arrive, lost, timer: false });
  }

  wake(fire: () => void): void {
    this.#admit({ run: fire, lost: nothing, timer: true });
  }

  hear(message: unknown, from: string): void {
    this.#process?.hear(message, from);
  }

  luckOf(caller: string): SeededRandom {
    let luck = this.#luck.get(caller);
    if (luck === undefined) this.#luck.set(caller, (luck = this.random.stream('calls').stream(caller)));
    return luck;
  }

  #admit(work: Work): void {
    if (this.#process === undefined) work.lost();
    else if (this.paused) this.#held.push(work);
    else {
      if (work.timer) this.#note('timer');
      this.#perform(work.run);
    }
  }

  /** Messages stay in order; timers come in between in any order, as after a stall in Node those of different lengths do. */
  #mixed(): Work[] {
    const random = this.random.stream('resume').stream(String(this.#world.queue.nowMs));
    const mixed = this.#held.filter(({ timer }) => !timer);
    for (const work of this.#held) if (work.timer) mixed.splice(Math.floor(random() * (mixed.length + 1)), 0, work);
    return mixed;
  }

  #perform(run: () => void): void {
    this.#world.entered = this.name;
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#world.fail('error', `${this.name} failed`, error);
  }

  #note(what: string, detail?: unknown): void {
    this.#world.trace.add(this.#world.queue.nowMs, this.name, what, detail);
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as Partial<PromiseLike<unknown>>).then === 'function'
  );
}
