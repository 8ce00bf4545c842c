import { LoadBalancer } from 'holdfast/balancing';
import { expect, it } from 'vitest';
import { bad, codeOf, rejectionOf } from '../support/serving.ts';
import { brief } from './brief.ts';

it('a listener that mirrors the membership is right, even if another updates it on the way', () => {
  const balancer = new LoadBalancer(['a']);
  const mirror = new Set(['a']);
  let once = true;
  balancer.on('update', () => {
    if (once) balancer.update(['a']);
    once = false;
  });
  balancer.on('update', ({ added, removed }) => {
    for (const id of added) mirror.add(id);
    for (const id of removed) mirror.delete(id);
  });
  balancer.update(['a', 'b']);
  expect([...mirror]).toEqual(balancer.stats().members.map(({ id }) => id));
});

it('work is not called when the caller aborts while it is told the member', async () => {
  const controller = new AbortController();
  const balancer = new LoadBalancer(['a']);
  let called = false;
  const running = balancer.run(
    () => {
      called = true;
    },
    {
      signal: controller.signal,
      visit: () => {
        controller.abort('no more');
      },
    },
  );
  await expect(running).rejects.toBe('no more');
  expect(called).toBe(false);
  expect(brief(balancer).members).toEqual([{ id: 'a', pending: 0 }]);
});

it('of a member that leaves while it is judged no ejection is told', () => {
  const told: string[] = [];
  let failures = 0;
  const settled = (verdict: string): void => {
    if (verdict === 'failed' && ++failures === 5) balancer.update(['b', 'c']);
  };
  const balancer = new LoadBalancer<string>(['a', 'b', 'c'], {
    cost: () => () => ({ cost: () => 0, settled }),
  });
  balancer.on('eject', ({ id }) => told.push(`ejected ${id}`));
  balancer.on('update', ({ removed }) => told.push(`removed ${removed.join()}`));
  for (const id of ['b', 'c']) balancer.pick({ avoid: new Set(['a', id]) }).release();
  for (let i = 0; i < 5; i++) balancer.pick({ avoid: new Set(['b', 'c']) }).release('failed');
  expect(told).toEqual(['removed a']);
});

it('no call is taken when a listener of the update that it has found closes the balancer', async () => {
  let current = ['a'];
  const live = {
    get current() {
      return current;
    },
    version: 1,
    ready: Promise.resolve(current),
    changes: () => bad(undefined),
    close: () => undefined,
  };
  const balancer = new LoadBalancer(live);
  balancer.on('update', () => {
    balancer.close();
  });
  current = ['a', 'b'];
  expect(codeOf(await rejectionOf(() => balancer.run((member) => member)))).toBe('CLOSED');
});

it('an undefined option is an absent one', async () => {
  const balancer = new LoadBalancer(['a'], { id: undefined, runtime: undefined });
  expect(await balancer.run((member) => member, { signal: undefined, deadline: undefined, avoid: undefined })).toBe(
    'a',
  );
});
