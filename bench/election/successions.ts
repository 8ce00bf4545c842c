/* Real processes, one after another in office: how long nobody acts when a leader is killed, and when it is asked to end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Lab, nowMs, type Standing } from '../../test/election/real/lab.ts';
import type { Place } from '../../test/election/real/stores.ts';

/** The lease of these elections. */
export const ttlMs = 2_000;

export interface Successions {
  /** From the leader's end, or from when its body had stopped, to the first act of the next. */
  readonly gapsMs: readonly number[];
  /** The most that two acted at the same time. */
  readonly overlapMs: number;
}

/** Each leader ends at another moment between two renewals, and is followed by the one that stood by. */
export async function successions(place: Place, signal: 'SIGKILL' | 'SIGTERM', rounds: number): Promise<Successions> {
  const lab = new Lab();
  const name = `succession ${signal}`;
  const gapsMs: number[] = [];
  let overlapMs = 0;
  let count = 0;
  const stand = (): Promise<Standing> => lab.stand({ place, name, id: `candidate-${String(++count)}`, ttlMs });
  try {
    await stand();
    let { id, token } = await lab.leader();
    for (let i = 0; i < rounds; i++) {
      await stand();
      await sleep(500 + (i * ttlMs) / 3 / rounds);
      const leader = lab.of(id);
      const killedMs = nowMs();
      leader.signal(signal);
      const next = await lab.leader(token);
      await leader.exited;
      gapsMs.push(next.fromMs - (signal === 'SIGKILL' ? killedMs : leader.stopped.at(-1)!));
      overlapMs = Math.max(overlapMs, lab.judge().overlapMs);
      lab.candidates.splice(lab.candidates.indexOf(leader), 1);
      ({ id, token } = next);
    }
  } finally {
    await lab.close();
  }
  return { gapsMs, overlapMs };
}
