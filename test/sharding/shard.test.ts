import type { Call } from 'holdfast/calls';
import { hedge } from 'holdfast/calls';
import { isDeadlineExceeded, isHoldfastError } from 'holdfast/core';
import { isNoNodes, type PlacementNode, Rendezvous } from 'holdfast/hashing';
import { shard, type ShardOptions, ShardRouter } from 'holdfast/sharding';
import { failOnLeaks, seededRandom, VirtualClock } from 'holdfast/testing';
import { describe, expect, it } from 'vitest';

type Ask = (node: string, request: string, options: Parameters<Call<string, string>>[1]) => Promise<string>;

/** A router over some nodes with two replicas of each key, as a call. */
function stage(ask: Ask, options: Partial<ShardOptions<PlacementNode, string, string>> = {}, base = 2) {
  const clock = new VirtualClock();
  const runtime = { clock, random: seededRandom(1) };
  const router = new ShardRouter(new Rendezvous(['a', 'b', 'c', 'd']), {
    replication: { targetRate: 1e6, base, max: 4 },
    runtime,
  });
  const asked: string[] = [];
  const call = shard<PlacementNode, string, string>(router, {
    key: (request) => request,
    call: (node) => (request, callOptions) => {
      asked.push(node.id);
      return ask(node.id, request, callOptions);
    },
    runtime,
    ...options,
  });
  const order = router.replicas('k').map(({ id }) => id);
  const inFlight = (): number => router.snapshot().nodes.reduce((sum, node) => sum + node.inFlight, 0);
  return { clock, router, call, asked, order, inFlight };
}

const down: Ask = async (node) => {
  throw new Error(`${node} is down`);
};

describe('shard', () => {
  it('sends a request to a replica of its key', async () => {
    const at = stage(async (node, request) => `${request} from ${node}`);
    for (let i = 0; i < 20; i++) expect(at.order.map((id) => `k from ${id}`)).toContain(await at.call('k'));
    expect(new Set(at.asked).size).toBe(2);
    expect(at.inFlight()).toBe(0);
  });

  it('fails with the call by default', async () => {
    const at = stage(down);
    await expect(at.call('k')).rejects.toThrow(/^[abcd] is down$/);
    expect(at.asked).toHaveLength(1);
    expect(at.inFlight()).toBe(0);
  });

  it("tries each of the key's replicas once with 'next', in the key's order", async () => {
    const at = stage(down, { onDown: 'next' }, 4);
    const error: unknown = await at.call('k').catch((reason: unknown) => reason);
    expect(at.asked).toHaveLength(4);
    expect(at.asked.slice(1)).toEqual(at.order.filter((id) => id !== at.asked[0]));
    expect(isHoldfastError(error, 'ATTEMPTS_FAILED')).toBe(true);
    expect((error as AggregateError).cause).toBe((error as AggregateError).errors.at(-1));
    expect((error as AggregateError).errors.map(({ message }: Error) => message)).toEqual(
      at.asked.map((id) => `${id} is down`),
    );
    expect(at.inFlight()).toBe(0);
  });

  it("answers with 'next' as long as one replica does", async () => {
    const at = stage(async (node) => (node === at.order[1] ? 'ok' : down(node, '', {})), { onDown: 'next' });
    for (let i = 0; i < 20; i++) expect(await at.call('k')).toBe('ok');
    expect(new Set(at.asked)).toEqual(new Set(at.order));
  });

  it('has no next for a key with one replica, which writes would not reach', async () => {
    const at = stage(down, { onDown: 'next' }, 1);
    await expect(at.call('k')).rejects.toThrow(`${at.order[0]!} is down`);
    expect(at.asked).toHaveLength(1);
  });

  it('settles at the deadline, starts nothing after it, and counts the call until it has settled itself', async () => {
    await failOnLeaks(async () => {
      const at: ReturnType<typeof stage> = stage(
        async (node, _, options) => {
          await at.clock.sleep(300);
          expect(options?.signal?.aborted).toBe(true);
          return down(node, '', {});
        },
        { onDown: 'next' },
      );
      let settled = Infinity;
      const result = at.call('k', { deadline: 100 }).catch((error: unknown) => {
        settled = at.clock.now();
        return error;
      });
      await at.clock.advance(200);
      expect(isDeadlineExceeded(await result)).toBe(true);
      expect(settled).toBe(100);
      expect(at.inFlight()).toBe(1);
      await at.clock.advance(200);
      expect(at.inFlight()).toBe(0);
      expect(at.asked).toHaveLength(1);
      expect(at.clock.pending).toBe(0);
    });
  });

  it('does not ask anybody when the time is up or the caller has gone', async () => {
    const at = stage(down);
    const reason = new Error('gone');
    await expect(at.call('k', { deadline: 0 })).rejects.toSatisfy(isDeadlineExceeded);
    await expect(at.call('k', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(at.asked).toEqual([]);
    expect(at.inFlight()).toBe(0);
  });

  it('hands the deadline on', async () => {
    const at = stage(async (_, __, options) => {
      const { deadline } = options!;
      return typeof deadline === 'object' ? String(deadline.remaining()) : 'none';
    });
    expect(await at.call('k', { deadline: 100 })).toBe('100');
    expect(await at.call('k')).toBe('Infinity');
  });

  it('lets a hedge go to another replica', async () => {
    const at: ReturnType<typeof stage> = stage(async (node) => {
      if (at.asked.length % 2 === 1) await at.clock.sleep(1_000);
      return node;
    });
    const hedged = hedge(at.call, { after: 5, runtime: { clock: at.clock, random: () => 0 } });
    for (let i = 0; i < 10; i++) {
      at.asked.length = 0;
      const answer = hedged('k');
      await at.clock.advance(10);
      expect(await answer).toBe(at.asked[1]);
      expect(at.asked[1]).not.toBe(at.asked[0]);
    }
  });

  it('turns what is thrown into a rejection, and counts it out', async () => {
    const thrown = new Error('thrown');
    const toss = (): never => {
      throw thrown;
    };
    for (const options of [{ call: toss }, { call: () => toss }, { key: toss }]) {
      const at = stage(down, options);
      await expect(at.call('k')).rejects.toBe(thrown);
      expect(at.inFlight()).toBe(0);
    }
    const at = stage(down);
    at.router.update(new Rendezvous([]));
    await expect(at.call('k')).rejects.toSatisfy(isNoNodes);
    await expect(at.call(7 as never)).rejects.toThrow(TypeError);
    await expect(at.call('k', null as never)).rejects.toThrow('the options of a call must be an object, got null');
  });

  it('refuses bad options', () => {
    const { router } = stage(down);
    const good = { key: (request: string) => request, call: () => down };
    expect(() => shard({} as never, good as never)).toThrow('router must be a ShardRouter, got an object');
    expect(() => shard(router, { ...good, key: 1 } as never)).toThrow('key must be a function, got 1');
    expect(() => shard(router, { key: good.key } as never)).toThrow('call must be a function, got undefined');
    expect(() => shard(router, { ...good, onDown: 'retry' } as never)).toThrow(
      'onDown must be "fail" or "next", got "retry"',
    );
    expect(() => shard(router, { ...good, down: 1 } as never)).toThrow('shard has no option "down"');
  });
});
