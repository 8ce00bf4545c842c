import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { onAbort, type Unlink } from '../../src/core/signals.ts';
import { runs } from '../support/properties.ts';

/** What a child does when it is told; an index means the n-th link, modulo how many there are. */
type Deed = { readonly kind: 'nothing' | 'link' } | { readonly kind: 'unlink'; readonly index: number };
type Step = { readonly kind: 'child'; readonly deeds: readonly Deed[] } | { readonly kind: 'abort' } | Deed;

const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.constantFrom<Deed>({ kind: 'nothing' }, { kind: 'link' }),
  fc.record({ kind: fc.constant('unlink' as const), index: fc.nat(9) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('child' as const), deeds: fc.array(deed, { maxLength: 3 }) }) },
  { weight: 4, arbitrary: deed },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'abort' }) },
);

interface Parent {
  link(run: (reason: unknown) => void): Unlink;
  abort(reason: unknown): void;
  /** How many are linked. */
  readonly size: number;
}

/** The specification: a list; abort tells who is on it, one after the other, if he still is. */
class Model implements Parent {
  #linked: ((reason: unknown) => void)[] = [];
  #aborted: { readonly reason: unknown } | undefined;

  get size(): number {
    return this.#linked.length;
  }

  link(run: (reason: unknown) => void): Unlink {
    const entry = (reason: unknown): void => {
      run(reason);
    };
    if (this.#aborted !== undefined) entry(this.#aborted.reason);
    else this.#linked.push(entry);
    return () => {
      this.#linked = this.#linked.filter((other) => other !== entry);
    };
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    for (let next = this.#linked.shift(); next !== undefined; next = this.#linked.shift()) next(this.#aborted.reason);
  }
}

class Real implements Parent {
  readonly #controller = new AbortController();

  link(run: (reason: unknown) => void): Unlink {
    return onAbort(this.#controller.signal, run);
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  get size(): number {
    return getEventListeners(this.#controller.signal, 'abort').length;
  }
}

/** Plays the steps on a parent; tells who ran in which order, and after each step how many are linked. */
function play(parent: Parent, steps: readonly Step[], most: number): readonly string[] {
  const log: string[] = [];
  const unlinks: Unlink[] = [];
  const link = (deeds: readonly Deed[]): void => {
    const id = unlinks.length;
    // The unlink of a child that runs at once is not known while it runs.
    unlinks.push(() => undefined);
    unlinks[id] = parent.link((reason) => {
      log.push(`${String(id)}: ${String(reason)}`);
      for (const act of deeds) perform(act);
    });
  };
  const perform = (act: Step): void => {
    if (act.kind === 'child') link(act.deeds);
    if (act.kind === 'link') link([]);
    if (act.kind === 'unlink' && unlinks.length > 0) unlinks[act.index % unlinks.length]!();
    if (act.kind === 'abort') parent.abort(log.length);
  };
  for (const act of steps) {
    perform(act);
    log.push(`linked ${String(Math.min(most, parent.size))}`);
  }
  return log;
}

test('children are told as a plain list would tell them, with one listener on the parent while there are any', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30, size: 'max' }), (steps) => {
      expect(play(new Real(), steps, Infinity)).toEqual(play(new Model(), steps, 1));
    }),
    { numRuns: runs(5) },
  );
});
