import { Emitter, isInvalidOption, type Listener, type Unsubscribe } from 'holdfast/core';
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { hostileValues } from '../support/hostile.ts';
import { recordWarnings, warningsSettled } from '../support/warnings.ts';

interface DoorEvents {
  open: { readonly by: string };
  shut: number;
  error: string;
}

class Door extends Emitter<DoorEvents> {
  isOpen = false;

  open(by: string): void {
    this.isOpen = true;
    this.emit('open', { by });
  }

  shut(times: number): void {
    this.emit('shut', times);
  }

  fail(): void {
    this.emit('error', 'jammed');
  }
}

const warnings = recordWarnings();

describe('delivery', () => {
  test('is synchronous, in the order of subscription, after the change of state', () => {
    const door = new Door();
    const seen: string[] = [];
    door.on('open', ({ by }) => seen.push(`1 ${by} ${String(door.isOpen)}`));
    door.on('shut', () => seen.push('not mine'));
    door.on('open', ({ by }) => seen.push(`2 ${by}`));
    door.open('ann');
    expect(seen).toEqual(['1 ann true', '2 ann']);
  });

  test('goes to each subscription: one listener may be on twice and come off once', () => {
    const door = new Door();
    let calls = 0;
    const listener = (): number => calls++;
    const off = door.on('shut', listener);
    door.on('shut', listener);
    door.shut(1);
    expect(calls).toBe(2);
    off();
    door.shut(1);
    expect(calls).toBe(3);
  });

  test('of an event that nobody hears, `error` included, does nothing', () => {
    const door = new Door();
    door.fail();
    door.open('ann');
    expect(door.isOpen).toBe(true);
  });

  test('takes any name, those of Object.prototype included', () => {
    class Odd extends Emitter<Record<string, number>> {
      tell(name: string): void {
        this.emit(name, 1);
      }
    }
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'error', ''];
    const odd = new Odd();
    for (const name of names) odd.tell(name);
    const seen: string[] = [];
    const offs = names.map((name) => odd.on(name, () => seen.push(name)));
    for (const name of names) odd.tell(name);
    expect(seen).toEqual(names);
    for (const off of offs) off();
    for (const name of names) odd.tell(name);
    expect(seen).toEqual(names);
  });
});

describe('off and once', () => {
  test('off is idempotent and leaves the others alone', () => {
    const door = new Door();
    const seen: string[] = [];
    const off = door.on('shut', () => seen.push('a'));
    door.on('shut', () => seen.push('b'));
    off();
    off();
    door.shut(1);
    expect(seen).toEqual(['b']);
  });

  test('once hears the next event only, and none when it is taken off before', () => {
    const door = new Door();
    const seen: number[] = [];
    door.once('shut', (times) => seen.push(times));
    const off = door.once('shut', (times) => seen.push(-times));
    off();
    door.shut(1);
    door.shut(2);
    expect(seen).toEqual([1]);
  });

  test('once hears the first event, even if a listener before it emits another', () => {
    const door = new Door();
    const seen: number[] = [];
    door.on('shut', (times) => {
      if (times < 3) door.shut(times + 1);
    });
    door.once('shut', (times) => seen.push(times));
    door.shut(1);
    expect(seen).toEqual([1]);
  });

  test('an event that a listener causes comes when all have had the one before', () => {
    const door = new Door();
    const seen: string[] = [];
    door.on('shut', (times) => {
      seen.push(`first ${String(times)}`);
      if (times < 3) door.shut(times + 1);
    });
    door.on('shut', (times) => seen.push(`second ${String(times)}`));
    door.shut(1);
    expect(seen).toEqual(['first 1', 'second 1', 'first 2', 'second 2', 'first 3', 'second 3']);
  });

  test('once hears one event even if it emits the next itself, or throws', async () => {
    const door = new Door();
    const seen: number[] = [];
    door.once('shut', (times) => {
      seen.push(times);
      door.shut(times + 1);
      throw new Error('once');
    });
    door.shut(1);
    door.shut(5);
    expect(seen).toEqual([1]);
    await warningsSettled();
    expect(warnings).toHaveLength(1);
  });

  test('a listener added during delivery does not get that event, but the next', () => {
    const door = new Door();
    const seen: string[] = [];
    const off = door.on('shut', (times) => {
      off();
      door.on('shut', (later) => seen.push(`added in ${String(times)}: ${String(later)}`));
    });
    door.shut(1);
    expect(seen).toEqual([]);
    door.shut(2);
    expect(seen).toEqual(['added in 1: 2']);
  });

  test('a listener taken off during delivery is not called any more', () => {
    const door = new Door();
    const seen: string[] = [];
    const offs: Unsubscribe[] = [];
    door.on('shut', () => {
      for (const off of offs) off();
    });
    offs.push(
      door.on('shut', () => seen.push('on')),
      door.once('shut', () => seen.push('once')),
    );
    door.on('shut', () => seen.push('stays'));
    door.shut(1);
    expect(seen).toEqual(['stays']);
  });
});

describe('a listener that fails', () => {
  const failures: readonly (readonly [string, Listener<number>])[] = [
    [
      'throws',
      () => {
        throw new Error('boom');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('boom'))],
    [
      'rejects later',
      async () => {
        await Promise.resolve();
        throw new Error('boom');
      },
    ],
    [
      'returns a thenable that rejects',
      () => ({
        then: (_: unknown, no: (e: Error) => void) => {
          no(new Error('boom'));
        },
      }),
    ],
    [
      'returns a thenable that throws',
      () => ({
        then: () => {
          throw new Error('boom');
        },
      }),
    ],
  ];
  test.each(failures)('%s: the primitive and the listeners behind it go on, and it is a warning', async (_, fail) => {
    const door = new Door();
    const seen: number[] = [];
    door.on('shut', (times) => seen.push(times));
    door.on('shut', fail);
    door.on('shut', (times) => seen.push(times));
    door.shut(1);
    expect(seen).toEqual([1, 1]);
    await warningsSettled();
    expect(warnings.map(({ name, message }) => [name, message])).toEqual([
      ['HoldfastWarning', 'holdfast: a listener of "shut" failed: boom'],
    ]);
    expect(warnings[0]!.cause).toMatchObject({ message: 'boom' });
  });

  test.each(hostileValues)('throws or rejects with %s: reported all the same', async (_, value) => {
    const door = new Door();
    let behind = 0;
    door.on('shut', () => {
      throw value;
    });
    door.on('shut', () => Promise.reject(value as Error));
    door.on('shut', () => value);
    door.on('shut', () => behind++);
    door.shut(1);
    expect(behind).toBe(1);
    await warningsSettled();
    expect(warnings.filter(({ name }) => name === 'HoldfastWarning').length).toBeGreaterThanOrEqual(2);
  });

  test('what a listener returns otherwise is ignored', async () => {
    const door = new Door();
    for (const value of [undefined, 0, 'then', null, { then: 5 }, Promise.resolve(5)]) door.on('shut', () => value);
    door.shut(1);
    await warningsSettled();
    expect(warnings).toEqual([]);
  });
});

describe('where there is no process', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  test('a failing listener is reported to console.error', () => {
    const error = vi.spyOn(console, 'error').mockReturnValue();
    const door = new Door();
    door.on('shut', () => {
      throw new Error('boom');
    });
    vi.stubGlobal('process', undefined);
    door.shut(1);
    vi.unstubAllGlobals();
    expect(error.mock.calls).toEqual([
      [expect.objectContaining({ message: 'holdfast: a listener of "shut" failed: boom' })],
    ]);
  });

  test('and without a console it is lost, but breaks nothing', () => {
    const door = new Door();
    let behind = 0;
    door.on('shut', () => {
      throw new Error('boom');
    });
    door.on('shut', () => behind++);
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('console', undefined);
    door.shut(1);
    vi.unstubAllGlobals();
    expect(behind).toBe(1);
  });
});

describe('names and types', () => {
  test.each([undefined, null, 'listener', {}])('%o is no listener', (listener) => {
    const door = new Door();
    for (const subscribe of [door.on.bind(door), door.once.bind(door)]) {
      const attempt = (): unknown => subscribe('shut', listener as Listener<number>);
      expect(attempt).toThrow(expect.toSatisfy(isInvalidOption) as Error);
      expect(attempt).toThrow(/^listener must be a function, got /);
    }
  });

  test('unknown names are refused by the compiler, and listeners get their event’s type', () => {
    const door = new Door();
    expectTypeOf<Parameters<Door['on']>[0]>().toEqualTypeOf<'open' | 'shut' | 'error'>();
    expectTypeOf(door.on('shut', () => undefined)).toEqualTypeOf<Unsubscribe>();
    door.on('open', (event) => {
      expectTypeOf(event).toEqualTypeOf<{ readonly by: string }>();
    });
    door.once('shut', (event) => {
      expectTypeOf(event).toEqualTypeOf<number>();
    });
    // @ts-expect-error -- no such event
    door.on('opened', () => undefined);
    // @ts-expect-error -- no such event
    door.once('toString', () => undefined);
    // @ts-expect-error -- another event's listener
    door.on('shut', (event: { readonly by: string }) => event);
    // @ts-expect-error -- only the primitive itself emits
    door.emit('shut', 1);
    class Wrong extends Emitter<DoorEvents> {
      wrong(): void {
        // @ts-expect-error -- another event's value
        this.emit('shut', 'twice');
      }
    }
    expect(Wrong).toBeDefined();
  });
});
