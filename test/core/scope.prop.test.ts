import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { Deadline, isDeadlineExceeded } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { expect, test } from 'vitest';
import { Scope } from '../../src/core/scope.ts';
import { runs } from '../support/properties.ts';

interface Spec {
  readonly parent: boolean;
  /** Milliseconds; undefined: none. */
  readonly deadline: number | undefined;
}

type Step =
  | { readonly kind: 'open'; readonly spec: Spec }
  | { readonly kind: 'end' | 'close' | 'read'; readonly index: number }
  | { readonly kind: 'abort' }
  | { readonly kind: 'advance'; readonly ms: number };

const spec: fc.Arbitrary<Spec> = fc.record({
  parent: fc.boolean(),
  deadline: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 20 }), fc.constant(Infinity)),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('open' as const), spec }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('end' as const, 'close' as const, 'read' as const),
      index: fc.nat(9),
    }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'abort' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(12) }) },
);

/** What a scope has to be at this moment. */
interface Model {
  readonly parent: boolean;
  readonly dueMs: number;
  state: 'open' | 'ended' | 'closed';
  reason: unknown;
}

/** Scopes under one parent and one clock, each beside what it has to be. */
class World {
  readonly clock = new VirtualClock();
  readonly controller = new AbortController();
  #reasons = 0;
  readonly scopes: { readonly model: Model; readonly scope: Scope; readonly ends: unknown[]; signal?: AbortSignal }[] =
    [];

  async perform(act: Step): Promise<void> {
    if (act.kind === 'open') this.#open(act.spec);
    if (act.kind === 'abort') this.#abort();
    if (act.kind === 'advance') await this.#advance(act.ms);
    if (act.kind === 'end' || act.kind === 'close' || act.kind === 'read') {
      if (this.scopes.length > 0) this.#touch(act.kind, act.index % this.scopes.length);
    }
    this.#compare();
  }

  #open({ parent, deadline }: Spec): void {
    if (parent && this.controller.signal.aborted) return;
    const ends: unknown[] = [];
    const scope = new Scope(
      'x',
      {
        signal: parent ? this.controller.signal : undefined,
        deadline: deadline === undefined ? undefined : Deadline.after(deadline, this.clock),
      },
      this.clock,
      (reason) => ends.push(reason),
    );
    const dueMs = this.clock.now() + (deadline ?? Infinity);
    this.scopes.push({ model: { parent, dueMs, state: 'open', reason: undefined }, scope, ends });
  }

  #abort(): void {
    const reason = `aborted at ${String(this.clock.now())}`;
    const first = !this.controller.signal.aborted;
    this.controller.abort(reason);
    if (first) for (const { model } of this.scopes) if (model.parent) finish(model, 'ended', reason);
  }

  async #advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (const { model } of this.scopes) if (model.dueMs <= this.clock.now()) finish(model, 'ended', deadlineReason);
  }

  #touch(kind: 'end' | 'close' | 'read', index: number): void {
    const entry = this.scopes[index]!;
    const reason = `ended ${String(this.#reasons++)}`;
    if (kind === 'read') {
      const { signal } = entry.scope;
      expect(entry.signal ?? signal).toBe(signal);
      entry.signal = signal;
    } else if (kind === 'end') {
      entry.scope.end(reason);
      finish(entry.model, 'ended', reason);
    } else {
      entry.scope.close();
      finish(entry.model, 'closed', undefined);
    }
  }

  #compare(): void {
    const open = this.scopes.filter(({ model }) => model.state === 'open');
    expect({
      ends: this.scopes.map(({ ends }) => ends.map(nameOf)),
      signals: this.scopes.map(({ signal }) => signal?.aborted === true && nameOf(signal.reason)),
      timers: this.clock.pending,
      listeners: getEventListeners(this.controller.signal, 'abort').length,
    }).toEqual({
      ends: this.scopes.map(({ model }) => (model.state === 'ended' ? [model.reason] : [])),
      signals: this.scopes.map(({ model, signal }) => signal !== undefined && model.state === 'ended' && model.reason),
      timers: open.filter(({ model }) => model.dueMs !== Infinity).length,
      listeners: open.some(({ model }) => model.parent) ? 1 : 0,
    });
  }
}

const deadlineReason = 'the deadline has passed';
/** Each reason is a text of its own, but for that of the deadline. */
const nameOf = (reason: unknown): unknown => (isDeadlineExceeded(reason) ? deadlineReason : reason);

function finish(model: Model, state: 'ended' | 'closed', reason: unknown): void {
  if (model.state === 'open') Object.assign(model, { state, reason });
}

test('a scope ends once or is closed, never both; its signal says so; nothing is left set or linked', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
      const world = new World();
      for (const act of steps) await world.perform(act);
      // Whatever comes later: what was closed stays silent.
      await world.perform({ kind: 'abort' });
      await world.perform({ kind: 'advance', ms: 1_000 });
      for (const index of world.scopes.keys()) await world.perform({ kind: 'read', index });
    }),
    { numRuns: runs(3) },
  );
});

test('the children of one parent end in the order in which they were opened', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 30, size: 'max' }), (closed) => {
      const parent = new AbortController();
      const order: number[] = [];
      const scopes = closed.map(
        (_, i) => new Scope('x', { signal: parent.signal }, new VirtualClock(), () => order.push(i)),
      );
      for (const [i, close] of closed.entries()) if (close) scopes[i]!.close();
      parent.abort();
      expect(order).toEqual([...closed.keys()].filter((i) => !closed[i]));
    }),
  );
});
