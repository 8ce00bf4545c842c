import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { VirtualClock } from 'holdfast/testing';
import { type CloseReport, Discard, type JobHandle, Retry, Snooze, WorkQueue } from '../../src/queue/index.ts';
import type { JobContext } from '../../src/queue/worker-pool.ts';
import { runs, seed } from '../support/properties.ts';

type Step = readonly [kind: number, a: number, b: number];

const steps = fc.array(fc.tuple(fc.nat(99), fc.nat(9_999), fc.nat(9_999)), { maxLength: 14, size: 'max' });
const shapes = fc.nat(1_000_000);
const behaviours = 22;

/** One queue under a random life. Whatever is seen of it, from wherever, must add up. */
class Life {
  readonly clock = new VirtualClock();
  readonly queue: WorkQueue<number, number>;
  readonly #gates: (() => void)[] = [];
  readonly #promises: Promise<unknown>[] = [];
  readonly #ids = new Set<string>();
  readonly #ends = new Map<string, number>();
  readonly #controller = new AbortController();
  #redriven = 0;
  #most: number;
  #snoozes = 0;
  #depth = 0;
  #closing: Promise<CloseReport> | undefined;
  #reader: AsyncIterator<{ ack(): Promise<void>; nack(): Promise<void> }> | undefined;

  constructor(shape: number) {
    const pick = <T>(place: number, ...from: readonly T[]): T => from[Math.floor(shape / place) % from.length]!;
    const workers = pick<number | { min: number; max: number }>(1, 1, 2, 3, { min: 0, max: 2 });
    let chance = shape;
    this.#most = typeof workers === 'number' ? workers : workers.max;
    this.queue = new WorkQueue<number, number>((data, context) => this.#handle(data, context), {
      workers,
      maxQueued: pick(4, 1, 2, 5, 100),
      overflow: pick(16, 'wait', 'reject', 'dropOldest', 'dropLowest'),
      keyLimit: pick(64, 1, 2),
      keyOrder: pick(128, 'strict', 'skip'),
      agingMs: pick(256, undefined, 10),
      onStuck: pick(512, 'hold', 'release'),
      timeoutMs: pick(1024, undefined, 12),
      patienceMs: pick(2048, 0, 6),
      retry: { attempts: pick(4096, 1, 3), backoff: { baseMs: 8 } },
      ...(pick(8192, true, false) && { budget: false }),
      paused: pick(16_384, false, false, false, true),
      maxCrashes: 2,
      signal: this.#controller.signal,
      runtime: { clock: this.clock, random: () => (chance = (chance * 16_807 + 11) % 2_147_483_647) / 2_147_483_647 },
    });
    const throws = shape % 101 === 0;
    for (const event of [
      'done',
      'dead',
      'cancelled',
      'retry',
      'dropped',
      'stuck',
      'scale',
      'idle',
      'progress',
    ] as const) {
      this.queue.on(event, (value: object) => {
        if (event === 'done' || event === 'dead' || event === 'cancelled') {
          const { id } = value as { readonly id: string };
          this.#ends.set(id, (this.#ends.get(id) ?? 0) + 1);
        }
        this.check(event);
        if (throws) throw new Error('a listener');
      });
    }
  }

  check(where: string): void {
    const { accepted, waiting, delayed, leased, done, dead, cancelled, active } = this.queue.stats();
    if (accepted !== waiting + delayed + leased + done + dead + cancelled) {
      violations.push(`${where}: ${JSON.stringify(this.queue.stats())}`);
    }
    if (active > this.#most) violations.push(`${where}: ${String(active)} workers of ${String(this.#most)}`);
    if (active > leased) violations.push(`${where}: ${String(active)} run, ${String(leased)} are leased`);
  }

  #handle(data: number, { signal, progress, id }: JobContext): number | Promise<number> {
    this.check('handler');
    switch (data % behaviours) {
      case 0:
      case 1:
        return data;
      case 2:
        return Promise.resolve(data);
      case 3:
        return Promise.reject(new Error('rejects'));
      case 4:
        throw new Error('throws');
      case 5:
      case 6:
        return this.clock.sleep(7).then(() => data);
      case 7:
        return this.clock.sleep(30, signal).then(() => data);
      case 8:
        return new Promise(() => undefined);
      case 9:
        return new Promise((resolve) => this.#gates.push(() => resolve(data)));
      case 10:
        throw new Retry(3);
      case 11:
        if (this.#snoozes++ > 5) return data;
        throw new Snooze(4);
      case 12:
        throw new Discard('useless');
      case 13:
        this.#nested(data);
        return data;
      case 14:
        void this.queue.cancel(id, 'by itself');
        this.check('cancelled by itself');
        return data;
      case 15:
        this.queue.pause();
        return data;
      case 16:
        this.#close(data);
        return this.clock.sleep(3).then(() => data);
      case 17:
        this.#resize(1 + (data % 3));
        return data;
      case 18:
        progress(1);
        return this.clock.sleep(5).then(() => {
          this.#nested(data);
          throw new Error('late');
        });
      case 19:
        this.#cancelOne(data);
        return this.clock.sleep(2).then(() => data);
      case 20:
        return this.clock.sleep(20).then(() => data);
      default:
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            reject(signal.reason as Error);
          });
        });
    }
  }

  #nested(data: number): void {
    if (this.#depth++ < 10) this.#add(data + 1, data);
  }

  #keep(promise: Promise<unknown>): void {
    this.#promises.push(promise.catch(() => undefined));
  }

  #add(a: number, b: number): void {
    const mode = (['reject', 'replace', 'rerun'] as const)[a % 3]!;
    const options = {
      ...(b % 3 === 0 && { key: `k${String(a % 2)}` }),
      ...(b % 5 === 0 && { id: `id${String(a % 4)}` }),
      ...(b % 4 === 0 && { priority: (a % 5) - 2 }),
      ...(b % 6 === 0 && { delayMs: a % 15 }),
      ...(b % 7 === 0 && { dedupe: { id: `d${String(a % 2)}`, mode } }),
      ...(b % 8 === 0 && { timeoutMs: 1 + (a % 9) }),
      ...(b % 9 === 0 && { deadline: a % 20 }),
      ...(b % 11 === 0 && { attempts: 2 }),
      ...(b % 13 === 0 && { signal: this.#controller.signal }),
    };
    const given = b % 2 === 0 ? options : undefined;
    if (a % 4 === 0) this.#keep(this.queue.run(a, given));
    else if (a % 29 === 1) this.#keep(this.#many(a, given));
    else {
      this.#keep(
        this.queue.add(a, given).then((handle: JobHandle<number, number>) => {
          this.#ids.add(handle.id);
          if (a % 3 > 0) this.#keep(handle.result);
        }),
      );
    }
    this.check('add');
  }

  async #many(a: number, job: object | undefined): Promise<void> {
    let left = 1 + (a % 3);
    const items = [a, a + 1, a + 2, a + 3];
    for await (const { id } of this.queue.addAll(items, { ahead: 2, ordered: a % 2 === 0, job: () => job })) {
      this.check(`addAll ${id}`);
      if (left-- === 0) break;
    }
  }

  #cancelOne(a: number): void {
    const ids = [...this.#ids];
    if (ids.length === 0) return;
    this.#keep(this.queue.cancel(ids[a % ids.length]!, 'taken back'));
    this.check('cancel');
  }

  #resize(to: number): void {
    this.#most = Math.max(this.#most, to);
    this.queue.resize(to);
    this.check('resize');
  }

  #consume(a: number): void {
    this.#reader ??= this.queue.consume()[Symbol.asyncIterator]();
    if (a % 7 === 0) {
      this.#keep(this.#reader.return!());
      this.#reader = undefined;
      return;
    }
    const ended = this.#reader.next().then(async ({ value, done }) => {
      this.check('delivery');
      if (done === true) return;
      if (a % 3 === 0) await value.ack();
      else if (a % 3 === 1) await value.nack();
      this.check('acknowledged');
    });
    this.#keep(ended);
  }

  #close(a: number): void {
    if (a % 5 === 0) this.#controller.abort('over');
    this.#closing = this.queue.close({ graceMs: a % 30, abortMs: a % 10, drain: a % 2 === 0 });
    this.check('close');
  }

  async step([kind, a, b]: Step): Promise<void> {
    if (kind < 46) this.#add(a, b);
    else if (kind < 60) await this.clock.advance(a % 25);
    else if (kind < 68) this.#cancelOne(a);
    else if (kind < 71) this.queue.pause();
    else if (kind < 76) this.queue.resume();
    else if (kind < 80) this.#resize(1 + (a % 3));
    else if (kind < 85) this.#gates.shift()?.();
    else if (kind < 92) this.#consume(a);
    else if (kind < 95) {
      const changed = a % 2 === 0 ? this.queue.dead.redrive() : this.queue.dead.purge();
      await changed.then((count) => (this.#redriven += a % 2 === 0 ? count : 0));
    } else if (kind < 97) this.#keep(this.queue.onIdle());
    else if (kind < 98) this.#close(a);
    this.check(`step ${String(kind)}`);
  }

  async end(): Promise<void> {
    this.#closing ??= this.queue.close({ graceMs: 20, abortMs: 5 });
    let report: CloseReport | undefined;
    void this.#closing.then((value) => (report = value));
    await this.clock.advance(2_200); // the signal closes with the patience of a default
    this.check('closed');
    if (report === undefined) {
      violations.push('close did not end');
      return;
    }
    const { accepted, done, dead, cancelled, released, waiting } = report;
    if (accepted !== done + dead + cancelled + released + waiting || Math.min(released, waiting, dead) < 0) {
      violations.push(`report ${JSON.stringify(report)}`);
    }
    // What no handler of its own keeps: their sleeps.
    for (const gate of this.#gates) gate();
    await this.clock.advance(100);
    if (this.clock.pending > 0) violations.push(`${String(this.clock.pending)} timers are left`);
    const settled = new Set<true>();
    void Promise.all(this.#promises).then(() => settled.add(true));
    await this.clock.advance(0);
    if (settled.size === 0) violations.push('a promise is left');
    const after = this.queue.stats();
    if (after.done !== done || after.accepted !== accepted) violations.push('something has changed after the end');
    const ended = [...this.#ends.values()].reduce((sum, count) => sum + count, 0);
    if (ended !== after.done + after.dead + after.cancelled + this.#redriven)
      violations.push(`${String(ended)} ends were told`);
  }
}

let violations: string[] = [];

it('whatever is done to a queue, its books are right at every event, and nothing is left of it', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  await fc.assert(
    fc.asyncProperty(shapes, steps, async (shape, sequence) => {
      violations = [];
      const life = new Life(shape);
      for (const step of sequence) await life.step(step);
      await life.end();
      expect(violations).toEqual([]);
    }),
    {
      seed,
      numRuns: Number(process.env['LIVES'] ?? runs(1_000)),
      interruptAfterTimeLimit: 100_000,
    },
  );
  warned.mockRestore();
}, 300_000);
