import { getEventListeners, setMaxListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { check } from '../../src/core/options.ts';
import { onAbort, signalRule } from '../../src/core/signals.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;
const ignore = (): void => undefined;

/** A controller whose signal warns from the eleventh listener on, as it does by itself before Node 22. */
function limited(): AbortController {
  const controller = new AbortController();
  setMaxListeners(10, controller.signal);
  return controller;
}

describe('onAbort', () => {
  test('runs once, synchronously, in the order of linking, with the reason', () => {
    const parent = new AbortController();
    const seen: unknown[] = [];
    for (const name of ['a', 'b', 'c']) onAbort(parent.signal, (reason) => seen.push([name, reason]));
    parent.abort('over');
    parent.abort('again');
    expect(seen).toEqual([
      ['a', 'over'],
      ['b', 'over'],
      ['c', 'over'],
    ]);
    expect(listenersOf(parent.signal)).toBe(0);
  });

  test.each([0, null, '', new Error('over')])('hands on the very reason: %s', (reason) => {
    const parent = new AbortController();
    const seen: unknown[] = [];
    onAbort(parent.signal, (given) => seen.push(given));
    parent.abort(reason);
    onAbort(parent.signal, (given) => seen.push(given));
    expect(seen).toEqual([reason, reason]);
  });

  test('of a signal that has aborted runs at once; of no signal never', () => {
    const seen: unknown[] = [];
    const aborted = AbortSignal.abort('over');
    const unlink = onAbort(aborted, (reason) => seen.push(reason));
    expect(seen).toEqual(['over']);
    expect(listenersOf(aborted)).toBe(0);
    unlink();
    onAbort(undefined, (reason) => seen.push(reason))();
    expect(seen).toEqual(['over']);
  });

  test('unlink takes one child off, is idempotent, and the listener goes with the last', () => {
    const parent = new AbortController();
    const seen: string[] = [];
    const unlinks = ['a', 'b', 'c'].map((name) => onAbort(parent.signal, () => seen.push(name)));
    expect(listenersOf(parent.signal)).toBe(1);
    unlinks[1]!();
    unlinks[1]!();
    expect(listenersOf(parent.signal)).toBe(1);
    parent.abort();
    expect(seen).toEqual(['a', 'c']);
    for (const unlink of unlinks) unlink();
    expect(listenersOf(parent.signal)).toBe(0);
  });

  test('unlink of an old child leaves the new ones linked', () => {
    const parent = new AbortController();
    let ran = 0;
    const old = onAbort(parent.signal, ignore);
    old();
    onAbort(parent.signal, () => ran++);
    old();
    expect(listenersOf(parent.signal)).toBe(1);
    parent.abort();
    expect(ran).toBe(1);
  });

  test('one function may be linked twice and taken off once', () => {
    const parent = new AbortController();
    let ran = 0;
    const run = (): number => ran++;
    const unlink = onAbort(parent.signal, run);
    onAbort(parent.signal, run);
    unlink();
    parent.abort();
    expect(ran).toBe(1);
  });
});

describe('while children are told', () => {
  test('one that is unlinked is not told any more', () => {
    const parent = new AbortController();
    const seen: string[] = [];
    onAbort(parent.signal, () => {
      seen.push('a');
      unlink();
    });
    const unlink = onAbort(parent.signal, () => seen.push('b'));
    onAbort(parent.signal, () => seen.push('c'));
    parent.abort();
    expect(seen).toEqual(['a', 'c']);
  });

  test('one that is linked is told at once, in the midst of it, and leaves no listener', () => {
    const parent = new AbortController();
    const seen: string[] = [];
    onAbort(parent.signal, (reason) => {
      onAbort(parent.signal, (same) => seen.push(`new ${String(same)}`));
      seen.push(`a ${String(reason)}`);
    });
    onAbort(parent.signal, () => seen.push('b'));
    parent.abort('over');
    expect(seen).toEqual(['new over', 'a over', 'b']);
    expect(listenersOf(parent.signal)).toBe(0);
  });

  test('another parent may abort', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const seen: string[] = [];
    onAbort(first.signal, () => second.abort());
    onAbort(first.signal, () => seen.push('first'));
    onAbort(second.signal, () => seen.push('second'));
    first.abort();
    expect(seen).toEqual(['second', 'first']);
  });
});

describe('one listener per parent', () => {
  const warnings = recordWarnings();

  test('whatever the fan-out: 1,000 children, and no warning', async () => {
    const parent = limited();
    let ran = 0;
    const unlinks = Array.from({ length: 1_000 }, () => onAbort(parent.signal, () => ran++));
    expect(listenersOf(parent.signal)).toBe(1);
    await warningsSettled();
    expect(warnings).toEqual([]);
    for (const unlink of unlinks.slice(0, 500)) unlink();
    parent.abort();
    expect(ran).toBe(500);
  });

  test('the check has teeth: eleven plain listeners are a warning', async () => {
    const { signal } = limited();
    for (let i = 0; i < 11; i++) signal.addEventListener('abort', () => i);
    await warningsSettled();
    expect(warnings.map(({ name }) => name)).toEqual(['MaxListenersExceededWarning']);
  });

  test('parents do not share children', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const seen: string[] = [];
    onAbort(first.signal, () => seen.push('first'));
    onAbort(second.signal, () => seen.push('second'));
    second.abort();
    expect([seen, listenersOf(first.signal)]).toEqual([['second'], 1]);
  });
});

describe('a `signal` option', () => {
  test('is recognised by shape', () => {
    const polyfill = { aborted: false, reason: undefined, addEventListener: ignore, removeEventListener: ignore };
    for (const signal of [new AbortController().signal, AbortSignal.abort(), polyfill]) {
      expect(check<unknown>('signal', signal, signalRule)).toBe(signal);
    }
    for (const other of [null, 5, 'aborted', {}, new AbortController(), new EventTarget(), { aborted: false }]) {
      expect(() => check<unknown>('signal', other, signalRule)).toThrow('signal must be an AbortSignal, got ');
    }
  });
});
