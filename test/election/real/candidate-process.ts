/**
 * A candidate as a process: stands for election, and while it leads writes down every few milliseconds that its check has
 * passed. What it writes down goes to its parent; with it ends the process.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Election, type Term } from '../../../src/election/index.ts';
import { openStore, type Place } from './stores.ts';

export interface Orders {
  readonly place: Place;
  readonly name: string;
  readonly id: string;
  readonly ttlMs: number;
  /** How long the body takes to stop. */
  readonly stopMs?: number;
}

export type Told =
  | { readonly type: 'ready' | 'ended' }
  | { readonly type: 'transition'; readonly to: string; readonly reason: string; readonly atMs: number }
  /** It has checked, and acted: with this token, at this moment. */
  | { readonly type: 'acts'; readonly token: string; readonly fromMs: number; readonly toMs: number }
  | { readonly type: 'stopped'; readonly atMs: number };

/** The same for all processes of a machine, to a millisecond. */
const clock = (): number => performance.timeOrigin + performance.now();
const tell = (told: Told): void => void process.send?.(told);

const { place, name, id, ttlMs, stopMs = 0 } = JSON.parse(process.argv[2]!) as Orders;
const { store, close } = await openStore(place);
const election = new Election(store, { name, id, ttlMs, drainMs: 5_000 });
const ending = new AbortController();

election.on('transition', ({ to, reason }) => {
  tell({ type: 'transition', to, reason, atMs: clock() });
});

async function body(term: Term): Promise<void> {
  const act = (): boolean => {
    const fromMs = clock();
    if (term.remainingMs() <= 0) return false;
    tell({ type: 'acts', token: String(term.token), fromMs, toMs: clock() });
    return true;
  };
  while (!term.signal.aborted && act()) await sleep(5);
  const untilMs = clock() + stopMs;
  while (clock() < untilMs && act()) await sleep(5);
  tell({ type: 'stopped', atMs: clock() });
}

process.on('SIGTERM', () => {
  ending.abort();
});
process.on('disconnect', () => process.exit());
process.on('message', ({ blockMs }: { readonly blockMs: number }) => {
  const untilMs = clock() + blockMs;
  while (clock() < untilMs);
});

tell({ type: 'ready' });
await election.run(body, { signal: ending.signal });
await election.close();
await close();
tell({ type: 'ended' });
process.disconnect();
