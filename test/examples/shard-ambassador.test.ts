import { afterEach, describe, expect, it, test } from 'vitest';
import { Ambassador } from '../../examples/shard-ambassador/ambassador.ts';
import { Shard } from '../../examples/shard-ambassador/shard-server.ts';
import { serve, type Service } from '../../examples/support/http.ts';
import { limitMs, runExample } from './run-example.ts';

test(
  'no key is unreadable or stale while a fourth shard takes its part',
  async () => {
    const printed = await runExample('shard-ambassador');
    expect(printed).toMatch(/^ok {5}no room on a fourth shard: Error: shard-4 has answered 507; no key is lost$/m);
    expect(printed).toMatch(/^it is added under \d+ requests: \d+ \+ \d+ \+ \d+ \+ \d+$/m);
    expect(printed).toMatch(/^ok {5}0 reads found nothing; in one step, \d{2,} keys would be unreadable$/m);
    expect(printed).toMatch(/^ok {5}0 reads found another value/m);
    expect(printed).toMatch(/^ok {5}500 keys on four shards, each once, all readable$/m);
  },
  limitMs,
);

describe('a shard that refuses', () => {
  const servers: Service[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));
  const start = async (id: string, call: Shard['serve']): Promise<Service> => {
    const server = await serve(id, call);
    servers.push(server);
    return server;
  };
  const keys = Array.from({ length: 60 }, (_, i) => `key-${i}`);
  const ask = (ambassador: Ambassador, method: string, key: string): Promise<Response> =>
    ambassador.serve(new Request(`http://shards/${key}`, method === 'PUT' ? { method, body: key } : { method }));
  const fill = async (): Promise<{ ambassador: Ambassador; shards: readonly Shard[]; faults: Set<string> }> => {
    const shards = [new Shard(), new Shard()];
    const faults = new Set<string>();
    const failing = (shard: Shard): Shard['serve'] => {
      return async (request) => {
        if (faults.has(request.method) && !request.url.endsWith('/')) return new Response('no', { status: 500 });
        return await shard.serve(request);
      };
    };
    const services = await Promise.all(shards.map((shard, i) => start(`shard-${i + 1}`, failing(shard))));
    const ambassador = new Ambassador(services);
    for (const key of keys) expect((await ask(ambassador, 'PUT', key)).status).toBe(204);
    return { ambassador, shards, faults };
  };
  const allReadable = async (ambassador: Ambassador): Promise<void> => {
    for (const key of keys) expect(await (await ask(ambassador, 'GET', key)).text()).toBe(key);
  };

  it('is not taken in, and not before it is emptied', async () => {
    const { ambassador } = await fill();
    const third = new Shard();
    third.limit = 5;
    const service = await start('shard-3', third.serve);
    await expect(ambassador.add(service)).rejects.toThrow('shard-3 has answered 507');
    await allReadable(ambassador);
    third.limit = Infinity;
    await expect(ambassador.add(service)).rejects.toThrow('shard-3 is not empty');
    await allReadable(ambassador);
    third.values.clear();
    await ambassador.add(service);
    expect(third.values.size).toBeGreaterThan(5);
    await allReadable(ambassador);
  });

  it('to give what it has loses nothing', async () => {
    const { ambassador, faults } = await fill();
    const third = new Shard();
    faults.add('GET');
    await expect(ambassador.add(await start('shard-3', third.serve))).rejects.toThrow('has answered 500');
    faults.clear();
    expect(third.values.size).toBe(0); // above all no error as a value
    await allReadable(ambassador);
  });

  it.each(['the old owner', 'the new owner'])(
    'has no write acknowledged when it is %s of a key that moves',
    async (who) => {
      const { ambassador, faults } = await fill();
      const third = new Shard();
      let [copying, release] = [(): void => undefined, (): void => undefined];
      const begun = new Promise<void>((resolve) => (copying = resolve));
      const released = new Promise<void>((resolve) => (release = resolve));
      const service = await start('shard-3', async (request) => {
        if (request.headers.has('if-none-match')) {
          copying();
          await released;
        } else if (request.method === 'PUT' && who === 'the new owner') return new Response(null, { status: 507 });
        return await third.serve(request);
      });
      const adding = ambassador.add(service);
      await begun; // from now on, a write of a key that moves goes to both
      if (who === 'the old owner') faults.add('PUT');
      const statuses = await Promise.all(keys.map(async (key) => (await ask(ambassador, 'PUT', key)).status));
      release();
      const plan = await adding;
      const moved = statuses.filter((_, i) => plan.moveOf(keys[i]!) !== undefined);
      expect(moved.length).toBeGreaterThan(0);
      expect(new Set(moved)).toEqual(new Set([who === 'the old owner' ? 500 : 507]));
    },
  );

  it('what it cannot do at all is refused', async () => {
    const { ambassador } = await fill();
    expect((await ask(ambassador, 'DELETE', 'key-1')).status).toBe(405);
    await allReadable(ambassador);
  });
});
