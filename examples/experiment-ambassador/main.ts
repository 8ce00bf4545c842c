/** An experiment on a tenth of the users becomes one on half of them, and a rewrite is tried in the shadow. */
import { setTimeout as sleep } from 'node:timers/promises';
import { live } from 'holdfast/live';
import { count, example, percent } from '../support/example.ts';
import { starter } from '../support/http.ts';
import { ambassador } from './ambassador.ts';
import { versions } from './versions.ts';

const users = Array.from({ length: 500 }, (_, i) => `user-${i}`);
const expected = /^the price is 10(, with free delivery)?$/;

await example(async ({ say, check, defer }) => {
  const start = starter(defer);
  const [web, experiment] = [await start(versions.web), await start(versions.experiment)];
  const urls = { web, experiment, rewrite: await start(versions.rewrite) };
  let setting = { web: 90, experiment: 10 }; // in a file, or wherever your operators change it
  const weights = live(() => setting, { everyMs: 20 });
  defer(() => weights.close());
  await weights.ready;
  const differences = new Map<string, number>();
  const traffic = ambassador(urls, weights, (why) => differences.set(why, (differences.get(why) ?? 0) + 1));
  const url = await start(traffic);

  let [requests, wrong] = [0, 0];
  /** Whether it is the experiment that answers. */
  const visit = async (headers: Record<string, string>): Promise<boolean> => {
    requests++;
    const response = await fetch(url, { headers });
    const seen = expected.exec(await response.text());
    if (!response.ok || seen === null) wrong++;
    return seen?.[1] !== undefined;
  };
  /** Every user comes once; who sees the experiment? */
  const everybody = async (): Promise<readonly string[]> => {
    const exposed: string[] = [];
    const client = async (first: number): Promise<void> => {
      for (let i = first; i < users.length; i += 4) if (await visit({ 'x-user': users[i]! })) exposed.push(users[i]!);
    };
    await Promise.all([0, 1, 2, 3].map(client));
    return exposed;
  };
  const share = (exposed: readonly string[]): number => exposed.length / users.length;
  const left = (before: readonly string[], after: readonly string[]): number =>
    before.filter((user) => !after.includes(user)).length;

  const first = await everybody();
  const again = await everybody();
  say(`weights 90 to 10: ${first.length} of ${users.length} users are in the experiment, ${percent(share(first))}`);
  const changes = weights.changes();
  setting = { web: 50, experiment: 50 };
  await changes.next(); // the ambassador has it
  const ramped = await everybody();
  say(`weights 50 to 50: ${ramped.length} are, ${percent(share(ramped))}`);
  const nobody = await Promise.all(Array.from({ length: 20 }, () => visit({})));
  for (let i = 0; i < 100 && traffic.stats().inFlight > 0; i++) await sleep(20); // the last copies
  const { sent } = traffic.stats();
  const faults = [...differences].map(([why, times]) => `${times} times ${why}`).join(', ');
  say(`${sent} of ${count(requests)} requests were copied to the rewrite, ${percent(sent / requests)}: ${faults}`);

  const near = Math.abs(share(first) - 0.1) < 0.03 && Math.abs(share(ramped) - 0.5) < 0.05;
  check(near, 'the shares are those of the weights, but for chance');
  const changed = left(first, again) + left(again, first);
  check(changed === 0, `${changed} users saw another version on their second visit`);
  check(left(first, ramped) === 0, `${left(first, ramped)} users left the experiment when it grew`);
  check(!nobody.includes(true), `${nobody.length} requests without a user took no part`);
  const fifth = sent / requests > 0.02 && sent / requests < 0.09;
  check(fifth && differences.size === 3, `the shadow found ${differences.size} faults of the rewrite`);
  check(wrong === 0, `${wrong} users saw any of them`);
});
