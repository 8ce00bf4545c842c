/* What the main thread tells the watchdog's thread, in virtual time; what the thread does about it is in watchdog.test.ts. */

import { Emitter } from 'holdfast/core';
import type { Election, ElectionEvents, Term } from 'holdfast/election';
import { watchdog } from 'holdfast/election/watchdog';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

/** Threads that were begun: their memory, and whether they are over. */
const threads = vi.hoisted(
  (): { program: string | undefined; end: () => bigint; changes: () => number; over: boolean; ref: boolean }[] => [],
);
/** Whether threads fail to begin. */
const fault = vi.hoisted(() => ({ error: undefined as Error | undefined }));

vi.mock('node:worker_threads', async () => {
  const { EventEmitter } = await import('node:events');
  class Worker extends EventEmitter {
    readonly #thread: (typeof threads)[number];

    constructor(text: string, options: { readonly eval: boolean; readonly workerData: SharedArrayBuffer }) {
      super();
      const { workerData } = options;
      this.#thread = {
        program: options.eval ? text : undefined, // or else it is the path of one
        end: () => new BigInt64Array(workerData, 0, 1)[0]!,
        changes: () => new Int32Array(workerData, 8, 1)[0]!,
        over: false,
        ref: true,
      };
      threads.push(this.#thread);
      queueMicrotask(() =>
        fault.error === undefined ? this.emit('message', 'watching') : this.emit('error', fault.error),
      );
    }

    unref(): void {
      this.#thread.ref = false;
    }

    async terminate(): Promise<void> {
      this.#thread.over = true;
    }
  }
  return { Worker };
});

/** An election with a term that lasts so long from now on; it tells of it when it is told to. */
class Office extends Emitter<ElectionEvents> {
  term: Term | undefined;

  lead(forMs: number): Term {
    const untilMs = performance.now() + forMs;
    this.term = { remainingMs: () => Math.max(0, untilMs - performance.now()) } as unknown as Term;
    return this.term;
  }

  tell<K extends keyof ElectionEvents>(name: K, event: ElectionEvents[K]): void {
    this.emit(name, event);
  }
}

const watched = (office: Office, slackMs = 50): ReturnType<typeof watchdog> =>
  watchdog(office as unknown as Election, { slackMs });
/** How far away the end is that the thread waits for; undefined: it waits for none. */
const endMs = (): number | undefined => {
  const end = threads.at(-1)!.end();
  return end === 0n ? undefined : Number(end - process.hrtime.bigint()) / 1e6;
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'hrtime'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the watchdog', () => {
  it('is armed by the term that there is when it begins', async () => {
    const office = new Office();
    office.lead(1_000);
    const dog = await watched(office);
    expect(endMs()).toBeCloseTo(1_050);
    await dog.close();
    expect(threads.at(-1)!.over).toBe(true);
  });

  it('waits for nothing where nobody leads, and is armed by an election and each renewal', async () => {
    const office = new Office();
    const dog = await watched(office, 20);
    expect(endMs()).toBe(undefined);
    office.tell('elected', { term: office.lead(1_000) });
    expect(endMs()).toBeCloseTo(1_020);
    vi.advanceTimersByTime(400);
    expect(endMs()).toBeCloseTo(620);
    const changes = threads.at(-1)!.changes();
    office.tell('renewed', { term: office.lead(1_000) });
    expect(endMs()).toBeCloseTo(1_020);
    // The thread is woken, or it would wait for the end before.
    expect(threads.at(-1)!.changes()).toBeGreaterThan(changes);
    await dog.close();
  });

  it('lets a main thread live whose event loop moves at the end of the term, whatever it has heard', async () => {
    const office = new Office();
    office.lead(1_000);
    const dog = await watched(office);
    vi.advanceTimersByTime(999);
    expect(endMs()).toBeCloseTo(51);
    vi.advanceTimersByTime(1);
    expect(endMs()).toBe(undefined);
    await dog.close();
  });

  it('is not disarmed by the timer of a term that was renewed', async () => {
    const office = new Office();
    office.lead(1_000);
    const dog = await watched(office);
    vi.advanceTimersByTime(500);
    office.tell('renewed', { term: office.lead(1_000) });
    vi.advanceTimersByTime(700);
    expect(endMs()).toBeCloseTo(350);
    await dog.close();
  });

  it.each(['lost', 'released'] as const)('is disarmed by a term that is %s, and by nothing less', async (to) => {
    const office = new Office();
    office.lead(1_000);
    const dog = await watched(office);
    office.tell('transition', { from: 'leading', to: 'atRisk', reason: 'unanswered' });
    office.tell('transition', { from: 'atRisk', to: 'draining', reason: 'resigned' });
    expect(endMs()).toBeCloseTo(1_050);
    office.tell('transition', { from: 'draining', to, reason: 'expired' });
    expect(endMs()).toBe(undefined);
    await dog.close();
  });

  it('leaves the main thread 50 ms where nobody says otherwise, and keeps no process alive', async () => {
    const office = new Office();
    office.lead(1_000);
    const dog = await watchdog(office as unknown as Election);
    expect(endMs()).toBeCloseTo(1_050);
    expect(threads.at(-1)).toMatchObject({ program: expect.stringContaining('SIGKILL') as string, ref: false });
    await dog[Symbol.asyncDispose]();
    expect(threads.at(-1)!.over).toBe(true);
  });

  it('does not wait for the end of a term that is over when it hears of it', async () => {
    const office = new Office();
    office.lead(0);
    const dog = await watched(office);
    expect(endMs()).toBe(undefined);
    office.tell('renewed', { term: office.lead(0) });
    expect(endMs()).toBe(undefined);
    await dog.close();
  });

  it('that cannot begin says why, and leaves nothing behind', async () => {
    const office = new Office();
    fault.error = new Error('no thread');
    const refused = await watched(office).catch((error: unknown) => error);
    fault.error = undefined;
    expect(refused).toMatchObject({ message: 'no thread' });
    expect(threads.at(-1)!.over).toBe(true);
    office.tell('elected', { term: office.lead(1_000) });
    expect([endMs(), vi.getTimerCount()]).toEqual([undefined, 0]);
  });

  it.each([
    [{ slackMs: Infinity }, 'slackMs must be a finite number >= 0, got Infinity'],
    [{ slack: 1 }, 'watchdog has no option "slack"; it has slackMs'],
  ])('refuses %o', async (options, message) => {
    const count = threads.length;
    const refused = await watchdog(new Office() as unknown as Election, options as never).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'INVALID_OPTION', message });
    expect(threads).toHaveLength(count);
  });

  it('leaves neither timer nor listener behind when it is closed', async () => {
    const office = new Office();
    office.lead(1_000);
    const dog = await watched(office);
    await dog.close();
    expect(vi.getTimerCount()).toBe(0);
    const changes = threads.at(-1)!.changes();
    office.tell('elected', { term: office.lead(5_000) });
    office.tell('transition', { from: 'leading', to: 'lost', reason: 'expired' });
    expect(threads.at(-1)!.changes()).toBe(changes);
    expect(vi.getTimerCount()).toBe(0);
  });
});
