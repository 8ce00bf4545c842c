import fc from 'fast-check';
import type { Timer } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { runs } from '../support/properties.ts';

/** What a timer does when it fires: sets others, and takes back the n-th that was ever set, modulo how many there are. */
interface Plan {
  readonly ms: number;
  readonly sets: readonly Plan[];
  readonly cancels: readonly number[];
}

const length = fc.oneof(
  { weight: 6, arbitrary: fc.nat(6) },
  { weight: 1, arbitrary: fc.constantFrom(0.5, 1.25, -3, Infinity, 1e9) },
);
const planThat = (sets: fc.Arbitrary<readonly Plan[]>): fc.Arbitrary<Plan> =>
  fc.record({ ms: length, sets, cancels: fc.array(fc.nat(30), { maxLength: 2 }) });
const lasts = fc.array(planThat(fc.constant([])), { maxLength: 2 });
const plan = planThat(fc.array(planThat(lasts), { maxLength: 3 }));

interface Fired {
  readonly id: number;
  readonly atMs: number;
}

/** The specification: a list, sorted by due time and creation, of which the first is taken again and again. */
class Model {
  nowMs = 0;
  readonly log: Fired[] = [];
  #list: { readonly id: number; readonly dueMs: number; readonly plan: Plan }[] = [];
  #ids = 0;

  get pending(): number {
    return this.#list.length;
  }

  get nextDueMs(): number | undefined {
    return this.#list[0]?.dueMs;
  }

  set(timer: Plan): void {
    const id = this.#ids++;
    const dueMs = this.nowMs + Math.max(0, timer.ms);
    if (dueMs === Infinity) return;
    this.#list.push({ id, dueMs, plan: timer });
    this.#list.sort((a, b) => a.dueMs - b.dueMs || a.id - b.id);
  }

  cancel(index: number): void {
    this.#list = this.#list.filter(({ id }) => this.#ids > 0 && id !== index % this.#ids);
  }

  moveTo(untilMs: number): number {
    let fired = 0;
    while (this.#list.length > 0 && this.#list[0]!.dueMs <= untilMs) {
      const { id, dueMs, plan: timer } = this.#list.shift()!;
      this.nowMs = dueMs;
      this.log.push({ id, atMs: dueMs });
      for (const inner of timer.sets) this.set(inner);
      for (const index of timer.cancels) this.cancel(index);
      fired++;
    }
    if (untilMs !== Infinity) this.nowMs = untilMs;
    return fired;
  }
}

/** The same plans on a real VirtualClock; `defer` says whether a timer acts at once or at the end of a promise chain. */
class Real {
  readonly clock = new VirtualClock();
  readonly log: Fired[] = [];
  readonly #timers: Timer[] = [];
  readonly #defer: boolean;

  constructor(defer: boolean) {
    this.#defer = defer;
  }

  set(timer: Plan): void {
    const id = this.#timers.length;
    this.#timers.push(
      this.clock.setTimer(timer.ms, () => {
        this.log.push({ id, atMs: this.clock.now() });
        if (this.#defer) void this.#later(timer);
        else this.#act(timer);
      }),
    );
  }

  cancel(index: number): void {
    this.#timers[index % this.#timers.length]?.cancel();
  }

  async #later(timer: Plan): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    this.#act(timer);
  }

  #act(timer: Plan): void {
    for (const inner of timer.sets) this.set(inner);
    for (const index of timer.cancels) this.cancel(index);
  }
}

type Command = fc.AsyncCommand<Model, Real>;

class Act implements Command {
  readonly #name: string;
  readonly #perform: (model: Model, real: Real) => Promise<void>;

  constructor(name: string, perform: (model: Model, real: Real) => Promise<void>) {
    this.#name = name;
    this.#perform = perform;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await this.#perform(model, real);
    expect(real.log).toEqual(model.log);
    expect(real.clock.now()).toBe(model.nowMs);
    expect(real.clock.pending).toBe(model.pending);
    expect(real.clock.nextDueMs).toBe(model.nextDueMs);
  }

  toString(): string {
    return this.#name;
  }
}

const both = (name: string, perform: (world: Model | Real) => void): Command =>
  new Act(name, async (model, real) => {
    perform(model);
    perform(real);
  });

const commands = fc.commands<Model, Real, false>(
  [
    plan.map((timer) => both(`set(${JSON.stringify(timer)})`, (world) => world.set(timer))),
    fc.nat(30).map((index) => both(`cancel(${String(index)})`, (world) => world.cancel(index))),
    fc.oneof(fc.nat(8), fc.constantFrom(0.25, 1e9)).map(
      (ms) =>
        new Act(`advance(${String(ms)})`, async (model, real) => {
          await real.clock.advance(ms);
          model.moveTo(model.nowMs + ms);
        }),
    ),
    fc.constant(
      new Act('runUntilIdle()', async (model, real) => {
        expect(await real.clock.runUntilIdle()).toBe(model.moveTo(Infinity));
      }),
    ),
  ],
  { maxCommands: 30, size: 'max' },
);

test('the clock is a sorted list: what fires, when, in which order and what is left', async () => {
  await fc.assert(
    fc.asyncProperty(commands, fc.boolean(), async (cmds, defer) => {
      await fc.asyncModelRun(() => ({ model: new Model(), real: new Real(defer) }), cmds);
    }),
    { numRuns: runs(2) },
  );
});

test('however it is heaped: a thousand timers, all kept or most of them cancelled, fire by due time and creation', async () => {
  const spec = fc.constantFrom(1, 2, 8).chain((oneIn) =>
    fc.array(fc.record({ ms: fc.nat(200), keep: fc.nat(oneIn - 1).map((n) => n === 0) }), {
      minLength: 500,
      maxLength: 1_000,
      size: 'max',
    }),
  );
  await fc.assert(
    fc.asyncProperty(spec, fc.boolean(), async (timers, atOnce) => {
      const clock = new VirtualClock();
      const fired: number[] = [];
      const set = timers.map(({ ms, keep }, i) => {
        const timer = clock.setTimer(ms, () => fired.push(i));
        if (atOnce && !keep) timer.cancel();
        return timer;
      });
      for (const [i, { keep }] of timers.entries()) if (!keep) set[i]!.cancel();
      const kept = [...timers.keys()].filter((i) => timers[i]!.keep);
      expect(clock.pending).toBe(kept.length);
      await clock.runUntilIdle();
      expect(fired).toEqual(kept.toSorted((a, b) => timers[a]!.ms - timers[b]!.ms || a - b));
    }),
    { numRuns: runs(0.3) },
  );
});

test('a run is a function of its input: twice the same program is twice the same trace', async () => {
  const program = async (plans: readonly Plan[]): Promise<readonly Fired[]> => {
    const real = new Real(true);
    for (const timer of plans) real.set(timer);
    await real.clock.runUntilIdle();
    return real.log;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { maxLength: 20, size: 'max' }), async (plans) => {
      const [first, second] = await Promise.all([program(plans), program(plans)]);
      expect(second).toEqual(first);
    }),
  );
});
