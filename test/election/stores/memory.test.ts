import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { MemoryLeaseStore } from 'holdfast/election';
import { leaseStoreSuite, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runs, seed } from '../../support/properties.ts';
import { follow, steps } from './model.ts';

function virtual(): { readonly clock: VirtualClock; readonly store: MemoryLeaseStore } {
  const clock = new VirtualClock({ epochMs: 1_000_000 });
  return { clock, store: new MemoryLeaseStore({ runtime: { clock, random: seededRandom(1) } }) };
}

describe('MemoryLeaseStore', () => {
  const { clock, store } = virtual();
  leaseStoreSuite(() => store, { describe, it }, { waitMs: (ms) => clock.advance(ms) });

  it('answers as its model does, whatever is done', async () => {
    const property = fc.asyncProperty(steps, async (todo) => {
      const { clock, store } = virtual();
      await follow(store, clock, todo);
    });
    await fc.assert(property, { numRuns: runs(10), seed });
  });

  it('ends a lease at the very millisecond', async () => {
    const { clock, store } = virtual();
    const { signal } = new AbortController();
    await store.acquire({ key: 'k', holder: 'h', nonce: 'n', ttlMs: 1000 }, signal);
    await clock.advance(999);
    expect((await store.read('k', signal))?.remainingMs).toBe(1);
    await clock.advance(1);
    expect(await store.read('k', signal)).toBe(null);
  });

  it('gives tokens that rise from one object to the next', async () => {
    const { clock, store } = virtual();
    const { signal } = new AbortController();
    const candidacy = { key: 'k', holder: 'h', nonce: 'n', ttlMs: 1000 };
    const before = await store.acquire(candidacy, signal);
    await clock.advance(1);
    const other = new MemoryLeaseStore({ runtime: { clock, random: seededRandom(1) } });
    const after = await other.acquire(candidacy, signal);
    expect(before.granted && after.granted && after.record.token - before.record.token).toBe(1n);
  });

  it('conflates hints, for each reader of its own', async () => {
    const { store } = virtual();
    const { signal } = new AbortController();
    const [one, two] = [store.watch('k', signal), store.watch('k', signal)].map((each) => each[Symbol.asyncIterator]());
    for (const nonce of ['1', '2', '1']) {
      const answer = await store.acquire({ key: 'k', holder: 'h', nonce, ttlMs: 1000 }, signal);
      if (answer.granted) await store.release(answer.record, signal);
    }
    for (const reader of [one!, two!]) {
      expect(await reader.next()).toEqual({ done: false, value: undefined });
      const pending = [reader.next(), reader.next()];
      expect(await Promise.race([...pending, Promise.resolve('nothing')])).toBe('nothing');
      expect(await reader.return?.()).toEqual({ done: true, value: undefined });
      for (const each of pending) expect(await each).toEqual({ done: true, value: undefined });
      expect(await reader.next()).toEqual({ done: true, value: undefined });
    }
  });

  it('says what it can do', () => {
    const limits = { minTtlMs: 1, stepMs: 1 };
    expect(virtual().store).toMatchObject({ expiry: 'server', durability: 'linearizable', limits });
  });

  it('goes on telling who stays when another reader leaves', async () => {
    const { store } = virtual();
    const { signal } = new AbortController();
    const [leaver, stayer] = [store.watch('k', signal), store.watch('k', signal)].map((each) =>
      each[Symbol.asyncIterator](),
    );
    await stayer!.next();
    await leaver!.return?.();
    const next = stayer!.next();
    await store.acquire({ key: 'k', holder: 'h', nonce: 'n', ttlMs: 1000 }, signal);
    expect(await Promise.race([next, Promise.resolve('nothing')])).toEqual({ done: false, value: undefined });
  });

  it('keeps nothing of a key that was only watched', async () => {
    const { store } = virtual();
    const { signal } = new AbortController();
    let count = 0;
    const watchMany = async (): Promise<void> => {
      for (const end = count + 2_000; count < end; count++) {
        const key = Buffer.alloc(5_000, `${String(count)} `).toString('latin1');
        await store.watch(key, signal)[Symbol.asyncIterator]().return?.();
      }
    };
    const heap = (): number => {
      gc!();
      return process.memoryUsage().heapUsed;
    };
    await watchMany();
    const before = heap();
    for (let i = 0; i < 3; i++) await watchMany();
    expect(heap() - before).toBeLessThan(2 * 2 ** 20);
  });

  it('leaves no listener on a signal', async () => {
    const { store } = virtual();
    const { signal } = new AbortController();
    setImmediate(() => void store.acquire({ key: 'k', holder: 'h', nonce: 'n', ttlMs: 1000 }, signal));
    for await (const hint of store.watch('k', signal)) {
      expect([hint, getEventListeners(signal, 'abort').length]).toEqual([undefined, 1]);
      break;
    }
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it.each([[{ clock: 1 }], [{ runtime: {} }], [7]])('refuses bad options, case %#', (options) => {
    expect(() => new MemoryLeaseStore(options as never)).toThrow(/^(MemoryLeaseStore|runtime must be)/);
  });
});
