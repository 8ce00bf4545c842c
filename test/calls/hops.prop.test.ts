import fc from 'fast-check';
import { LoadBalancer } from 'holdfast/balancing';
import { type Call, type CallOptions, hedge, retry, stack, withDeadline } from 'holdfast/calls';
import { Deadline, isDeadlineExceeded } from 'holdfast/core';
import { VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';
import { finish, steady, watch } from '../support/serving.ts';

interface Message {
  readonly header: string;
}

/** The clock of another machine: its own origin, and a date that jumps with each look. */
class OtherMachine extends VirtualClock {
  readonly #base: VirtualClock;
  readonly #originMs: number;
  #looks = 0;

  constructor(base: VirtualClock, originMs: number) {
    super();
    this.#base = base;
    this.#originMs = originMs;
  }

  override now(): number {
    return this.#base.now() + this.#originMs;
  }

  override wallNow(): number {
    return (this.#looks++ % 2 === 0 ? 1 : -1) * 1e15;
  }

  override setTimer(ms: number, fn: () => void): { cancel(): void } {
    return this.#base.setTimer(ms, fn);
  }
}

it('a deadline shrinks at each hop by what the hop took, whatever the clocks of the machines say', async () => {
  const hops = fc.array(
    fc.record({ workMs: fc.integer({ min: 0, max: 40 }), originMs: fc.double({ min: -1e9, max: 1e9, noNaN: true }) }),
    { minLength: 1, maxLength: 6 },
  );
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(hops, fc.integer({ min: 1, max: 150 }), async (chain, totalMs) => {
      const clock = new VirtualClock();
      const arrivals: { readonly leftMs: number; readonly atMs: number }[] = [];
      // Each machine reads the header, works, and calls the next with a header of its own.
      let next: Call<Message, string> = () => Promise.resolve('done');
      for (const { workMs, originMs } of [...chain].reverse()) {
        const runtime = steady(new OtherMachine(clock, originMs));
        const below = withDeadline(next, { write: (_, header) => ({ header }), minRemainingMs: 1, runtime });
        next = withDeadline(
          async (message, options) => {
            arrivals.push({ leftMs: (options!.deadline as Deadline).remaining(), atMs: clock.now() });
            await clock.sleep(workMs);
            return await below(message, options);
          },
          { read: ({ header }) => header, runtime },
        );
      }
      const settled = watch(next({ header: String(totalMs) }), clock);
      await clock.runUntilIdle();
      const { value, error, atMs: endMs } = settled()!;
      const outcome = value ?? error;
      const takesMs = chain.reduce((sum, { workMs }) => sum + workMs, 0);
      for (const { leftMs, atMs } of arrivals) {
        expect(leftMs).toBeLessThanOrEqual(totalMs - atMs + 1e-6);
        // Each hop rounds down, once.
        expect(leftMs).toBeGreaterThan(totalMs - atMs - arrivals.length - 1e-6);
      }
      if (takesMs > totalMs) expect(isDeadlineExceeded(outcome)).toBe(true);
      if (takesMs + chain.length + 1 < totalMs) expect(outcome).toBe('done');
      if (outcome !== 'done') refused++;
      expect(endMs).toBeLessThanOrEqual(totalMs + 1e-6);
    }),
    { numRuns: runs(3) },
  );
  expect(refused).toBeGreaterThan(10);
});

it('each hedge sends what is left when it is sent', async () => {
  const clock = new VirtualClock();
  const runtime = steady(clock);
  const sent: string[] = [];
  const call = stack(
    ({ header }: Message) => {
      sent.push(header);
      return new Promise<never>(() => undefined);
    },
    (next) => withDeadline(next, { write: (_, header) => ({ header }), runtime }),
    (next) => hedge(next, { after: 30, extra: 3, runtime }),
  );
  await finish(clock, call({ header: '' }, { deadline: 100 })).catch(isDeadlineExceeded);
  expect(sent).toEqual(['100', '70', '40', '10']);
});

describe('a deadline that came in with the request', () => {
  interface Sent {
    readonly atMs: number;
    readonly leftMs: number;
    readonly header: string;
  }

  /** A call that never answers or always fails, under a header in and a header out, inside the layers that are named. */
  function under<Req>(clock: VirtualClock, layers: readonly string[], read: (request: Req) => string, failMs?: number) {
    const runtime = steady(clock, 0.5);
    const sent: Sent[] = [];
    const replicas = new LoadBalancer(['a', 'b'], { runtime });
    const around: Readonly<Record<string, (next: Call<Req, never>) => Call<Req, never>>> = {
      hedge: (next) => hedge(next, { after: 10, extra: 2, budget: false, runtime }),
      retry: (next) => retry(next, { attempts: 3, backoff: { baseMs: 16 }, budget: false, runtime }),
      balancer: (next) => (request, options) => replicas.run((_, attempt) => next(request, attempt), options),
    };
    let header = '';
    const send: Call<Req, never> = async (_, options) => {
      sent.push({ atMs: clock.now(), leftMs: (options!.deadline as Deadline).remaining(), header });
      if (failMs === undefined) return await new Promise<never>(() => undefined);
      await clock.sleep(failMs);
      throw new Error('down');
    };
    const write = (request: Req, text: string): Req => {
      header = text;
      return request;
    };
    let call: Call<Req, never> = withDeadline(send, { read, write, runtime });
    for (const layer of layers) call = around[layer]!(call);
    const run = async (request: Req, options?: CallOptions): Promise<readonly Sent[]> => {
      sent.length = 0;
      await finish(clock, call(request, options)).catch(() => undefined);
      return [...sent];
    };
    return { clock, run };
  }

  const cases = fc.record({
    layers: fc.shuffledSubarray(['hedge', 'retry', 'balancer']),
    failMs: fc.option(fc.integer({ min: 0, max: 15 }), { nil: undefined }),
    totalMs: fc.integer({ min: 2, max: 80 }),
    primitive: fc.boolean(),
  });

  it('is read once for a call: with each attempt it shrinks, and a new call has the whole of it', async () => {
    let later = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ layers, failMs, totalMs, primitive }) => {
        const request = primitive ? String(totalMs) : { header: String(totalMs) };
        const read = (each: string | Message): string => (typeof each === 'string' ? each : each.header);
        const { clock, run } = under(new VirtualClock(), layers, read, failMs);
        // The same request, and so the same header, in one call after another.
        for (let call = 0; call < 2; call++) {
          const startMs = clock.now();
          const sent = await run(request);
          expect(sent[0]!.leftMs).toBe(totalMs);
          for (const { atMs, leftMs, header } of sent) {
            expect(leftMs).toBeCloseTo(totalMs - (atMs - startMs), 6);
            expect(Number(header)).toBeLessThanOrEqual(leftMs);
          }
          later += sent.filter(({ atMs }) => atMs > startMs).length;
        }
      }),
      { numRuns: runs(3) },
    );
    expect(later).toBeGreaterThan(100);
  });

  it('is each request’s own, where one call makes several', async () => {
    const clock = new VirtualClock();
    const runtime = steady(clock);
    const lefts: string[] = [];
    const one = withDeadline(
      async (_: Message, options) => {
        lefts.push(`${clock.now()}: ${(options!.deadline as Deadline).remaining()}`);
        await clock.sleep(10);
      },
      { read: ({ header }) => header, runtime },
    );
    const requests = [{ header: '50' }, { header: '80' }];
    const all = retry(
      async (_: number, attempt) => {
        for (const request of requests) await one(request, attempt);
        if (attempt.attempt === 1) throw new Error('once more');
      },
      { backoff: { baseMs: 0 }, runtime },
    );
    await finish(clock, all(0));
    expect(lefts).toEqual(['0: 50', '10: 80', '20: 30', '30: 60']);
  });
});
