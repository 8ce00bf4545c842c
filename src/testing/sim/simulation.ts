import { boolean, check, func, invalid, number, readOptions } from '../../core/options.ts';
import { eachSettled } from '../microtasks.ts';
import { type SeededRandom, seededRandom } from '../seeded-random.ts';
import { hearRejections } from '../unhandled.ts';
import { refuseAmbient } from './ambient.ts';
import { type CallFaults, readCallFaults } from './call-faults.ts';
import type { SimNode, Start } from './env.ts';
import { EventQueue, originOf } from './event-queue.ts';
import { SimFailure, type SimFailureKind } from './failure.ts';
import { checkFault, type Fault } from './fault.ts';
import { Invariants } from './invariants.ts';
import { type LinkOptions, type LinkState, readLink } from './link-options.ts';
import { type LinkRule, Network } from './network.ts';
import { Node } from './node.ts';
import type { NodeOptions } from './node-options.ts';
import { readRun, readSettings, type Run, type Settings, type SimOptions, type SimRunOptions } from './settings.ts';
import type { EndFault, Names, Sim, SimReport } from './sim.ts';
import { Trace } from './trace.ts';
import type { World } from './world.ts';

/** More events than this at one instant are one that never ends. */
const mostAtOnce = 100_000;
/** Scripts and starts of one instant come in the order in which they were given. */
const script = 0;

const oneWayShape = { oneWay: boolean };
const skewShape = { rate: number({ min: 0.001, max: 1000 }), wallJumpMs: number() };

/** @internal See {@link Sim}. */
export class Simulation implements Sim {
  readonly seed: number | bigint | string;
  readonly #random: SeededRandom;
  readonly #settings: Settings;
  readonly #queue: EventQueue;
  readonly #trace: Trace;
  readonly #network: Network;
  readonly #world: World;
  readonly #nodes = new Map<string, Node>();
  readonly #invariants = new Invariants();
  readonly #plan: Fault[] = [];
  #steps = 0;
  /** How many events have happened at this instant. */
  #atOnce = 0;
  #running = false;
  #failure: SimFailure | undefined;

  constructor(options: SimOptions) {
    this.#settings = readSettings(options);
    this.seed = options.seed;
    this.#random = seededRandom(options.seed);
    this.#queue = new EventQueue(originOf(this.#random));
    this.#trace = new Trace(this.#settings.traceLines, this.#settings.onTrace);
    this.#network = new Network(this.#queue, this.#random.stream('network'), this.#trace, this.#settings.link);
    this.#world = {
      queue: this.#queue,
      trace: this.#trace,
      network: this.#network,
      random: this.#random,
      entered: 'the scenario',
      machine: (name) => this.#node(name),
      fail: (kind, what, cause) => this.#fail(kind, what, cause),
    };
  }

  get nowMs(): number {
    return this.#queue.nowMs;
  }

  random(name: string): SeededRandom {
    return this.#random.stream('scenario').stream(name);
  }

  node<T, M = unknown>(name: string, start: Start<T, M>, options?: NodeOptions): SimNode<T> {
    check('name', name, {
      expected: 'a string that no other node has',
      accepts: (value) => typeof value === 'string' && !this.#nodes.has(value),
    });
    const { clocks, epochMs } = this.#settings;
    const node = new Node(name, start as Start<unknown>, this.#world, clocks, epochMs, options);
    this.#nodes.set(name, node);
    this.#begin(node);
    return node as SimNode<T>;
  }

  at(atMs: number, action: () => void): void {
    check('atMs', atMs, number({ min: this.nowMs }));
    check('action', action, func());
    this.#queue.add(atMs, script, () => {
      try {
        action();
      } catch (error) {
        this.#fail('error', 'the scenario failed', error);
      }
    });
  }

  link(from: Names, to: Names, options: LinkOptions & { readonly oneWay?: boolean | undefined }): EndFault {
    const { oneWay, ...state } = options;
    return this.#rule('link', from, to, { oneWay }, readLink(state));
  }

  partition(from: Names, to: Names, options?: { readonly oneWay?: boolean | undefined }): EndFault {
    return this.#rule('partition', from, to, options, { cut: true });
  }

  heal(): void {
    this.#disturb('heal');
    this.#network.heal();
  }

  pause(name: string): EndFault {
    const node = this.#node(name);
    const pause = {};
    node.pause(pause);
    this.#disturb();
    return () => {
      node.resume(pause);
      this.#disturb();
    };
  }

  resume(name: string): void {
    this.#node(name).resume();
    this.#disturb();
  }

  crash(name: string): EndFault {
    const node = this.#node(name);
    const { up, incarnation } = node;
    node.crash();
    this.#disturb();
    return () => {
      // Whoever crashed it first is the one to start it.
      if (up && !node.up && node.incarnation === incarnation) this.restart(name);
    };
  }

  restart(name: string): void {
    const node = this.#node(name);
    node.crash();
    this.#begin(node);
    this.#disturb();
  }

  skew(name: string, options: { readonly rate?: number | undefined; readonly wallJumpMs?: number | undefined }): void {
    const { rate, wallJumpMs = 0 } = readOptions('skew', options, skewShape);
    this.#node(name).skew(rate, wallJumpMs);
    this.#disturb();
  }

  calls(name: string, faults: CallFaults): EndFault {
    const node = this.#node(name);
    const [before, now] = [node.calls, readCallFaults(faults)];
    node.calls = now;
    this.#disturb(`calls to ${name}`, now);
    return () => {
      if (node.calls !== now) return;
      node.calls = before;
      this.#disturb(`calls to ${name}`, before);
    };
  }

  schedule(faults: readonly Fault[]): void {
    for (const fault of faults.map(checkFault)) {
      this.#plan.push(fault);
      this.#invariants.expectFaults(1);
      this.at(fault.atMs, () => {
        const end = this.#strike(fault);
        const over = (): void => {
          this.#invariants.expectFaults(-1);
          end?.();
          // Though it may have ended nothing: until now, nothing was counted.
          this.#disturb();
        };
        if (fault.type === 'skew') over();
        else this.at(fault.atMs + fault.forMs, over);
      });
    }
  }

  always(name: string, holds: () => boolean): void {
    this.#invariants.always(name, check('holds', holds, func()));
  }

  sometimes(name: string, holds?: () => boolean): () => void {
    return this.#invariants.sometimes(name, holds === undefined ? holds : check('holds', holds, func()));
  }

  eventually(name: string, holds: () => boolean, withinMs: number): void {
    this.#invariants.eventually(name, check('holds', holds, func()), check('withinMs', withinMs, number({ min: 0 })));
  }

  async run(options?: SimRunOptions): Promise<SimReport> {
    const run = readRun(options);
    check('a running simulation', this.#running, { expected: 'left alone', accepts: (running) => running === false });
    this.#running = true;
    const lastStep = this.#steps + run.maxSteps;
    const allow = this.#settings.ambient === 'refuse' ? refuseAmbient((error) => this.#refuse(error)) : undefined;
    const stopHearing = hearRejections((reason) =>
      this.#fail('error', `${this.#world.entered} left a rejection unhandled`, reason),
    );
    try {
      await eachSettled(() => this.#step(run, lastStep));
    } finally {
      stopHearing();
      allow?.();
      this.#running = false;
    }
    return this.report();
  }

  report(): SimReport {
    return {
      seed: this.seed,
      steps: this.#steps,
      virtualMs: this.nowMs,
      traceHash: this.#trace.hash,
      sometimes: this.#invariants.reached,
      network: this.#network.counts,
    };
  }

  /** Looks at what the last step has led to, and takes the next. False when the run is over. */
  #step(run: Run, lastStep: number): boolean {
    this.#judge();
    if (run.until?.() === true) return false;
    const { nextMs } = this.#queue;
    if (nextMs === undefined) this.#findDeadlock();
    const pauseMs = Math.min(run.untilMs, this.#invariants.deadlineMs ?? Infinity);
    if (nextMs !== undefined && nextMs <= pauseMs) {
      this.#take(nextMs, lastStep);
      return true;
    }
    if (pauseMs !== Infinity) this.#queue.moveTo(Math.max(this.nowMs, pauseMs));
    this.#judge();
    if (run.until?.() === true) return false;
    return this.#passed(run, nextMs === undefined && pauseMs === Infinity);
  }

  #take(nextMs: number, lastStep: number): void {
    if (this.#steps >= lastStep) throw this.#failed('livelock', 'more steps than maxSteps allows');
    this.#atOnce = nextMs > this.nowMs ? 0 : this.#atOnce + 1;
    if (this.#atOnce > mostAtOnce) throw this.#failed('livelock', 'time does not move on');
    const event = this.#queue.take();
    this.#steps++;
    event();
  }

  /** Time has come to the end of the run or to that of a goal, or all is done. */
  #passed(run: Run, done: boolean): boolean {
    const over = done || this.nowMs >= run.untilMs;
    const missed = this.#invariants.missed(this.nowMs, over);
    if (missed !== undefined) throw this.#failed('eventually', missed);
    if (over && run.until !== undefined) throw this.#failed('until', 'the run ended before what it waited for');
    return !over;
  }

  #judge(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#steps === 0) return;
    const violation = this.#invariants.judge();
    if (violation !== undefined) throw this.#failed('always', violation.what, violation.cause);
  }

  #findDeadlock(): void {
    const waiting = [...this.#nodes.values()].filter((node) => node.starting).map(({ name }) => name);
    if (waiting.length === 0) return;
    const what = `nothing will ever happen, and start has not ended: ${waiting.join(', ')}`;
    throw this.#failed('deadlock', `${what} (it may wait for real time or real I/O, which no simulation brings)`);
  }

  #begin(node: Node): void {
    this.#queue.add(this.nowMs, script, () => node.begin());
  }

  #strike(fault: Fault): EndFault | undefined {
    switch (fault.type) {
      case 'partition':
        return this.partition(fault.from, fault.to, { oneWay: fault.oneWay });
      case 'link': {
        const { from, to, loss, duplicate, reorder, extraMs } = fault;
        return this.link(from, to, { loss, duplicate, reorder, extraMs });
      }
      case 'pause':
        return this.pause(fault.node);
      case 'crash':
        return this.crash(fault.node);
      case 'skew':
        this.skew(fault.node, { rate: fault.rate, wallJumpMs: fault.wallJumpMs });
        return undefined;
    }
  }

  #rule(what: string, from: Names, to: Names, options: unknown, state: Partial<LinkState>): EndFault {
    const { oneWay = false } = readOptions(what, options, oneWayShape);
    const [near, far] = [this.#names(from), this.#names(to)];
    const rules: LinkRule[] = [{ from: near, to: far, state }];
    if (!oneWay) rules.push({ from: far, to: near, state });
    const sides = `${[...near].join(', ')} ${oneWay ? '>' : '<>'} ${[...far].join(', ')}`;
    this.#disturb(`${what} ${sides}`);
    for (const rule of rules) this.#network.addRule(rule);
    return () => {
      // It may have been healed.
      if (!rules.map((rule) => this.#network.deleteRule(rule)).includes(true)) return;
      this.#disturb(`end of ${what} ${sides}`);
    };
  }

  #names(names: Names): ReadonlySet<string> {
    const list = typeof names === 'string' ? [names] : names;
    return new Set(list.map((name) => this.#node(name).name));
  }

  #node(name: string): Node {
    const node = this.#nodes.get(name);
    if (node !== undefined) return node;
    throw invalid('node', `one of ${[...this.#nodes.keys()].join(', ')}`, name);
  }

  #disturb(what?: string, detail?: unknown): void {
    if (what !== undefined) this.#trace.add(this.nowMs, 'world', what, detail);
    this.#invariants.disturbed(this.nowMs);
  }

  #refuse(error: Error): void {
    this.#fail('ambient', `${error.message}; ${this.#world.entered} ran last`, error);
  }

  #fail(kind: SimFailureKind, what: string, cause?: unknown): void {
    this.#failure ??= this.#failed(kind, what, cause);
  }

  #failed(kind: SimFailureKind, what: string, cause?: unknown): SimFailure {
    const details = {
      kind,
      seed: this.seed,
      atMs: this.nowMs,
      steps: this.#steps,
      trace: this.#trace.lines(),
      plan: this.#plan,
      replay: this.#settings.replay(this.seed),
    };
    return (this.#failure = new SimFailure(what, details, { cause }));
  }
}
