/** What is proved of each store among real processes: killed, stopped, cut off. What is timed is in the election report; here nobody may overlap. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Election } from 'holdfast/election';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Proxy, startProxy } from '../../support/proxy.ts';
import type { Server } from '../../support/servers.ts';
import { counted } from '../../support/ledger.ts';
import { Lab, nowMs } from './lab.ts';
import { deleteLease, makeTable, openStore, type Place } from './stores.ts';

const ttlMs = 2_000;

let lab: Lab;
let count = 0;
let name: string;

/** Of every store: however its leader goes, another follows, and never before. */
export function leavings(place: () => Place): void {
  beforeEach(() => {
    lab = new Lab();
    name = `election ${String(++count)}`;
  });
  afterEach(async () => {
    await lab.close();
  });

  const stand = (id: string, stopMs = 0) => lab.stand({ place: place(), name, id, ttlMs, stopMs });
  const twoOf = async (stopMs = 0) => {
    const a = await stand('a', stopMs);
    const { token } = await lab.leader();
    const b = await stand('b', stopMs);
    await lab.until(() => a.acts.length > 20, 'a acts');
    return { a, b, token };
  };

  it('a leader that is killed is followed', async () => {
    const { a, token } = await twoOf();
    const killedMs = nowMs();
    a.signal('SIGKILL');
    counted('killed');
    const next = await lab.leader(token);
    expect(next.id).toBe('b');
    expect(next.fromMs - killedMs).toBeLessThan(2 * ttlMs + 2_000);
    expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
  });

  it('a leader that is asked to end drains, and is followed when its body has stopped', async () => {
    const { a, token } = await twoOf(1_000);
    a.signal('SIGTERM');
    const next = await lab.leader(token);
    await a.exited;
    expect(a.told.at(-1)).toEqual({ type: 'ended' });
    expect(a.stopped).toHaveLength(1);
    expect(next.fromMs).toBeGreaterThanOrEqual(a.stopped[0]! - 1);
    expect(next.fromMs - a.stopped[0]!).toBeLessThan(ttlMs);
    expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
  });

  it('a leader that is stopped for three leases finds when it goes on that it leads no more', async () => {
    const { a, token } = await twoOf();
    a.signal('SIGSTOP');
    const next = await lab.leader(token);
    await sleep(3 * ttlMs - (nowMs() - next.fromMs));
    const before = a.acts.length;
    a.signal('SIGCONT');
    await lab.until(() => a.phase === 'standby' || a.phase === 'acquiring', 'a has seen its loss');
    expect(a.told.some((told) => told.type === 'transition' && told.to === 'lost')).toBe(true);
    // What it had checked before it was stopped may be told late; what it has checked since is nothing.
    expect(a.acts.slice(before).every(({ fromMs }) => fromMs < next.fromMs)).toBe(true);
    expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
  });

  it('a leader whose event loop stands still finds the same', async () => {
    const { a, token } = await twoOf();
    a.block(2 * ttlMs);
    expect((await lab.leader(token)).id).toBe('b');
    await lab.until(
      () => a.told.some((told) => told.type === 'transition' && told.reason === 'stalled'),
      'a was stalled',
    );
    expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
  });

  it('a leader whose lease is deleted by hand knows at its next renewal, and another token is above its own', async () => {
    const { a, token } = await twoOf();
    await deleteLease(place(), name);
    const next = await lab.leader(token);
    await lab.until(() => a.told.some((told) => told.type === 'transition' && told.to === 'lost'), 'a knows');
    const acted = a.acts.filter((act) => act.token === token).at(-1)!;
    // Between the two there is no lease that could keep them apart: only the token does.
    expect(acted.fromMs - next.fromMs).toBeLessThan(ttlMs);
  });

  it('two processes of one id are two candidates', async () => {
    const [one, two] = [await stand('same'), await stand('same')];
    const { token } = await lab.leader();
    await sleep(500);
    const [leader] = [one, two].filter(({ acts }) => acts.length > 0);
    expect([one, two].filter(({ acts }) => acts.length > 0)).toHaveLength(1);
    leader!.signal('SIGKILL');
    counted('killed');
    await lab.leader(token);
    expect(lab.judge()).toMatchObject({ terms: 2 });
  });
}

/** Of stores that have a server: the same, and what becomes of leaders when that cannot be reached or is started again. */
export function severings(kind: Place['kind'], start: () => Promise<Server>): void {
  let server: Server;
  let proxy: Proxy;
  beforeAll(async () => {
    server = await start();
    proxy = await startProxy(server);
    if (kind === 'postgres') await makeTable(server);
  });
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });
  afterEach(() => {
    proxy.blackhole('none');
    proxy.delay(0);
  });
  const direct = (): Place => ({ kind, url: server.url });
  const proxied = (): Place => ({ kind, url: server.url.replace(String(server.port), String(proxy.port)) });

  leavings(direct);

  it.each(['both', 'toServer', 'toClient'] as const)(
    'a leader that is cut off, %s, stops before another leads',
    async (which) => {
      const a = await lab.stand({ place: proxied(), name, id: 'a', ttlMs });
      const { token } = await lab.leader();
      await lab.stand({ place: direct(), name, id: 'b', ttlMs });
      await lab.until(() => a.acts.length > 20, 'a acts');
      proxy.blackhole(which);
      expect((await lab.leader(token)).id).toBe('b');
      await lab.until(() => a.told.some((told) => told.type === 'transition' && told.to === 'lost'), 'a knows');
      proxy.blackhole('none');
      await sleep(500);
      expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
    },
  );

  it('a store that answers slowly, but in time, costs nobody the term', async () => {
    const a = await lab.stand({ place: proxied(), name, id: 'a', ttlMs });
    await lab.leader();
    proxy.delay(50);
    await sleep(2 * ttlMs);
    proxy.delay(0);
    expect(a.told.some((told) => told.type === 'transition' && told.to === 'lost')).toBe(false);
  });

  it('answers that take nearly a lease come too late, and a grant among them is given back', async () => {
    const a = await lab.stand({ place: proxied(), name, id: 'a', ttlMs });
    const { token } = await lab.leader();
    const b = await lab.stand({ place: direct(), name, id: 'b', ttlMs });
    await lab.until(() => a.acts.length > 20, 'a acts');
    proxy.delay(0.45 * ttlMs);
    const next = await lab.leader(token);
    expect(next.id).toBe('b');
    b.signal('SIGKILL');
    counted('killed');
    const acted = a.acts.length;
    await sleep(2 * ttlMs);
    expect(a.acts).toHaveLength(acted);
    proxy.delay(0);
    expect((await lab.leader(next.token)).id).toBe('a');
    expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
  });

  it('a candidate whose grant is never answered does not act, and leads when it hears of it', async () => {
    const b = await lab.stand({ place: direct(), name, id: 'b', ttlMs });
    const { token } = await lab.leader();
    const a = await lab.stand({ place: proxied(), name, id: 'a', ttlMs });
    await sleep(500);
    proxy.blackhole('toClient');
    b.signal('SIGKILL');
    counted('killed');
    await sleep(3 * ttlMs);
    expect(a.acts).toEqual([]);
    proxy.blackhole('none');
    expect((await lab.leader(token)).id).toBe('a');
  });

  it('a leader that is never told that its lease was given back ends all the same, and is followed', async () => {
    const a = await lab.stand({ place: proxied(), name, id: 'a', ttlMs });
    const { token } = await lab.leader();
    await lab.stand({ place: direct(), name, id: 'b', ttlMs });
    await lab.until(() => a.acts.length > 20, 'a acts');
    proxy.blackhole('toClient');
    a.signal('SIGTERM');
    expect((await lab.leader(token)).id).toBe('b');
    await a.exited;
    expect(a.told.at(-1)).toEqual({ type: 'ended' });
    expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
  });

  it('a connection that breaks at any moment costs nobody the term, or one after another leads', async () => {
    await lab.stand({ place: proxied(), name, id: 'a', ttlMs });
    await lab.leader();
    await lab.stand({ place: direct(), name, id: 'b', ttlMs });
    for (let i = 0; i < 20; i++) {
      proxy.cut();
      await sleep(137);
    }
    await sleep(ttlMs);
    expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
    expect(lab.acts.at(-1)!.fromMs).toBeGreaterThan(nowMs() - 500);
  });

  it.each([
    ['with its data', false],
    ['without its data', true],
  ])('a store that is started again, %s, has one leader soon, and a token that is not lower', async (_, wipe) => {
    await lab.stand({ place: direct(), name, id: 'a', ttlMs });
    const { token } = await lab.leader();
    await lab.stand({ place: direct(), name, id: 'b', ttlMs });
    await sleep(200);
    await server.restart({ wipe });
    const backMs = nowMs();
    // Its table is gone with its data; a migration brings it back, not the store.
    if (wipe && kind === 'postgres') await makeTable(server);
    await lab.until(() => lab.acts.some(({ fromMs }) => fromMs > backMs + 2 * ttlMs), 'somebody leads again');
    const last = lab.acts.at(-1)!;
    expect(last.token).toBeGreaterThanOrEqual(token);
    // What a wiped store has forgotten it may grant again while the one before still leads: only the token tells them apart.
    if (!wipe) expect(lab.judge().overlapMs).toBeLessThanOrEqual(0);
  });

  it('of a hundred candidates one leads', async () => {
    const opened = await Promise.all(Array.from({ length: 4 }, () => openStore(direct())));
    let leading = 0;
    let most = 0;
    let terms = 0;
    const elections = Array.from({ length: 100 }, (_, i) => new Election(opened[i % 4]!.store, { name, ttlMs }));
    const runs = elections.map((election) =>
      election.run(async (term) => {
        terms++;
        most = Math.max(most, ++leading);
        await sleep(20);
        term.check();
        leading--;
      }),
    );
    await lab.until(() => terms >= 10, 'ten terms');
    await Promise.all(elections.map((election) => election.close()));
    await Promise.all(runs);
    for (const { close } of opened) await close();
    expect(most).toBe(1);
  });
}
