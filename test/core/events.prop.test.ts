import fc from 'fast-check';
import { Emitter, type Unsubscribe } from 'holdfast/core';
import { expect, test } from 'vitest';
import { runs } from '../support/properties.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

const warnings = recordWarnings();

/** What a listener does when it is called; an index means the n-th subscription, modulo how many there are. */
type Deed =
  | { readonly kind: 'nothing' | 'throw' | 'reject' | 'emit' }
  | { readonly kind: 'off'; readonly index: number }
  | { readonly kind: 'add'; readonly once: boolean };
type Step = { readonly kind: 'subscribe'; readonly once: boolean; readonly deed: Deed } | Deed;

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.constantFrom<Deed>({ kind: 'nothing' }, { kind: 'throw' }, { kind: 'reject' }, { kind: 'emit' }),
  fc.record({ kind: fc.constant('off' as const), index: fc.nat(9) }),
  fc.record({ kind: fc.constant('add' as const), once: fc.boolean() }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), once: fc.boolean(), deed }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'emit' }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('off' as const), index: fc.nat(9) }) },
);

const deepest = 3;
const nothing: Deed = { kind: 'nothing' };

class Source extends Emitter<{ tick: number }> {
  tick(n: number): void {
    this.emit('tick', n);
  }
}

interface World {
  subscribe(once: boolean, heard: (depth: number) => void): Unsubscribe;
  emit(depth: number): void;
}

function real(): World {
  const source = new Source();
  return {
    subscribe: (once, heard) => (once ? source.once('tick', heard) : source.on('tick', heard)),
    emit: (depth) => {
      source.tick(depth);
    },
  };
}

/** The specification: a list and a queue; an event goes to those who were on the list when its turn came and still are. */
function model(): World {
  const queue: number[] = [];
  let list: { readonly once: boolean; readonly heard: (depth: number) => void }[] = [];
  return {
    subscribe(once, heard) {
      const entry = { once, heard };
      list.push(entry);
      return () => {
        list = list.filter((other) => other !== entry);
      };
    },
    emit(depth) {
      queue.push(depth);
      if (queue.length > 1) return;
      for (; queue.length > 0; queue.shift()) {
        for (const entry of [...list]) {
          if (!list.includes(entry)) continue;
          if (entry.once) list = list.filter((other) => other !== entry);
          entry.heard(queue[0]!);
        }
      }
    },
  };
}

/** Plays the steps and tells who heard what; failures only in the real world, for the model has no guard. */
function play(world: World, steps: readonly Step[], fail: (kind: 'throw' | 'reject') => unknown): readonly string[] {
  const log: string[] = [];
  const offs: Unsubscribe[] = [];
  const subscribe = (once: boolean, act: Deed): void => {
    const id = offs.length;
    offs.push(
      world.subscribe(once, (depth) => {
        log.push(`${String(id)}@${String(depth)}`);
        return perform(act, depth);
      }),
    );
  };
  const perform = (act: Step, depth: number): unknown => {
    if (act.kind === 'subscribe') subscribe(act.once, act.deed);
    if (act.kind === 'add') subscribe(act.once, nothing);
    if (act.kind === 'off' && offs.length > 0) offs[act.index % offs.length]!();
    if (act.kind === 'emit' && depth < deepest) world.emit(depth + 1);
    return act.kind === 'throw' || act.kind === 'reject' ? fail(act.kind) : undefined;
  };
  for (const act of steps) perform(act, 0);
  return log;
}

test('whatever listeners do while they are told, each hears what a plain list would tell it, and failures are warnings', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), async (steps) => {
      let failed = 0;
      const expected = play(model(), steps, () => failed++);
      warnings.length = 0;
      const heard = play(real(), steps, (kind) => {
        if (kind === 'throw') throw new Error(kind);
        return Promise.reject(new Error(kind));
      });
      expect(heard).toEqual(expected);
      await warningsSettled();
      expect(warnings).toHaveLength(failed);
    }),
    { numRuns: runs(3) },
  );
});
