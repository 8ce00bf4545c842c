/* When `close()` has resolved nothing is called any more: no listener, no body, no store. The same of a term that has resigned. */

import fc from 'fast-check';
import type { Election, LeaseStore, Term } from 'holdfast/election';
import { expect, it } from 'vitest';
import { isHasty, runs } from '../support/properties.ts';
import { hang, make, untilStopped } from './support/electorate.ts';

const latencyMs = fc.constantFrom(0, 5, 40, 300, 700);
const answers = fc.array(fc.tuple(latencyMs, fc.constantFrom('answered', 'answered', 'refused', 'lost', 'silent')), {
  minLength: 1,
  maxLength: 8,
});
const world = fc.record({
  seed: fc.integer({ min: 1, max: 1_000 }),
  answers,
  rival: fc.constantFrom('first', 'later', 'never'),
  body: fc.constantFrom('stops', 'returns', 'hangs', 'throws'),
  waits: fc.constantFrom('run', 'acquire', 'terms', 'observe'),
  afterMs: fc.integer({ min: 0, max: 9_000 }),
  atLast: fc.constantFrom('as before', 'silent', 'refused'),
});

/** A store whose answers come late, get lost or do not come, as the list says, over and over; each call is noted. */
function troubled(
  memory: LeaseStore,
  sleep: (ms: number) => Promise<void>,
  script: readonly (readonly [number, string])[],
  note: (what: string) => void,
): Pick<LeaseStore, 'acquire' | 'renew' | 'release' | 'read'> {
  let calls = 0;
  const through = async <T>(what: string, ask: () => Promise<T>): Promise<T> => {
    note(what);
    const [ms, fate] = script[calls++ % script.length]!;
    await sleep(ms);
    if (fate === 'refused') throw new Error('refused');
    const answer = await ask();
    if (fate === 'lost') throw new Error('the answer was lost');
    return fate === 'silent' ? await hang() : answer;
  };
  return {
    acquire: (...args) => through('acquire', () => memory.acquire(...args)),
    renew: (...args) => through('renew', () => memory.renew(...args)),
    release: (...args) => through('release', () => memory.release(...args)),
    read: (...args) => through('read', () => memory.read(...args)),
  };
}

it('nothing is called when close() has resolved, whatever the store and the body do', async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(world, async ({ seed, answers, rival: comes, body, waits, afterMs, atLast }) => {
      const { clock, memory, candidate, seenAs, settled, closeAll } = make(seed);
      const script = [...answers];
      const noted: string[] = [];
      const note = (what: string): void => void noted.push(what);
      const stand = (): Election => {
        const mine = candidate(
          'mine',
          { drainMs: 500 },
          seenAs(troubled(memory, (ms) => clock.sleep(ms), script, note)),
        );
        for (const event of ['transition', 'elected', 'renewed', 'lost', 'leader'] as const)
          mine.on(event, () => note(event));
        return mine;
      };
      const rival = candidate('rival');
      if (comes === 'first') void rival.run(untilStopped);
      const mine = stand();
      const work = (term: Term): Promise<void> => {
        note('body');
        reached.add(`body ${body}`);
        if (body === 'throws') throw new Error('the body');
        return body === 'hangs' ? hang() : body === 'stops' ? untilStopped(term) : Promise.resolve();
      };
      const waiting =
        waits === 'run'
          ? mine.run(work)
          : waits === 'acquire'
            ? mine.acquire()
            : waits === 'terms'
              ? mine.terms().next()
              : mine.observe().next();
      void Promise.resolve(waiting).catch(() => undefined);
      await clock.advance(afterMs / 2);
      if (comes === 'later') void rival.run(untilStopped);
      await clock.advance(afterMs / 2);
      if (atLast !== 'as before') script.fill([0, atLast]);
      await settled(mine.close());
      const before = [...noted];
      await settled(rival.close());
      await clock.advance(60_000);
      expect(noted.slice(before.length)).toEqual([]);
      for (const what of noted) reached.add(what);
      await closeAll();
    }),
    { numRuns: runs(3) },
  );
  // Else it would hold for want of anything to call.
  if (isHasty) return;
  for (const what of ['body hangs', 'body stops', 'elected', 'renewed', 'lost', 'leader', 'release'])
    expect(reached).toContain(what);
});

it('nothing is called when resign() has resolved and nobody stands any more', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ seed, answers: script, afterMs }) => {
      const { clock, memory, candidate, seenAs, settled, closeAll } = make(seed);
      const noted: string[] = [];
      const healthy = { from: false };
      const mine = candidate(
        'mine',
        {},
        seenAs(
          troubled(
            memory,
            (ms) => (healthy.from ? clock.sleep(ms) : Promise.resolve()),
            [[0, 'answered'], ...script],
            (what) => noted.push(what),
          ),
        ),
      );
      for (const event of ['transition', 'elected', 'renewed', 'lost', 'leader'] as const)
        mine.on(event, () => noted.push(event));
      const ending = new AbortController();
      const standing = mine.acquire({ signal: ending.signal }).catch(() => undefined);
      await clock.advance(afterMs);
      healthy.from = true;
      ending.abort();
      const term = await settled(standing);
      if (term !== undefined) {
        await settled(term.resign());
        const before = noted.length;
        await clock.advance(60_000);
        expect(noted.slice(before)).toEqual([]);
      }
      await closeAll();
    }),
    { numRuns: runs(1) },
  );
});
