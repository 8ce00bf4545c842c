import { expect, test } from 'vitest';
import { done, granted } from '../../../src/queue/stores/bullmq/client.ts';

const deadlock = (): Error => Object.assign(new Error('deadlock detected'), { code: '40P01' });

test('what PostgreSQL has ended for a deadlock is asked again; nothing else is', async () => {
  const answers: (() => Promise<number>)[] = [() => Promise.reject(deadlock()), () => Promise.resolve(7)];
  expect(await done(() => answers.shift()!())).toBe(7);
  let asked = 0;
  const broken = (): Promise<never> => Promise.reject(new Error(`broken ${String(++asked)}`));
  await expect(done(broken)).rejects.toThrow('broken 1');
});

test('deadlocks without end are an error', async () => {
  let asked = 0;
  const never = (): Promise<never> => {
    asked++;
    return Promise.reject(deadlock());
  };
  await expect(granted(never)).rejects.toThrow('deadlock detected');
  expect(asked).toBe(10);
});
