/* A machine that a test leads through its life, event by event. */

import { seededRandom } from 'holdfast/testing';
import { step } from '../../../src/election/machine.ts';
import { timingFrom } from '../../../src/election/rules.ts';
import type { Rules } from '../../../src/election/rules.ts';
import {
  type Answer,
  type ElectionEvent,
  idle,
  remainingMs,
  type Standing,
  type StoreCall,
  wakeMs,
} from '../../../src/election/standing.ts';
import { recordOf } from './machine-cluster.ts';

export const timing = timingFrom({ ttlMs: 10_000, lockDelayMs: 700 }, { minTtlMs: 1, stepMs: 1 });

/** A machine, its time and the calls that it has made. */
export class Life {
  readonly rules: Rules;
  readonly calls: string[] = [];
  standing: Standing = idle;
  nowMs: number;

  constructor(expiry: 'server' | 'observer' = 'server', over: Partial<Rules> = {}, nowMs = 1_000) {
    const names = { key: 'x', id: 'a', instance: 'a#1', rank: 0 };
    this.rules = { ...timing, expiry, ...names, yields: () => false, chance: seededRandom(1), ...over };
    this.nowMs = nowMs;
    this.take({ type: 'campaign', data: undefined });
  }

  take(event: ElectionEvent, afterMs = 0): StoreCall | undefined {
    this.nowMs += afterMs;
    const [standing, call] = step(this.standing, event, { now: this.nowMs, wall: this.nowMs }, this.rules);
    this.standing = standing;
    if (call !== undefined) this.calls.push(call.kind);
    return call;
  }

  answer(answer: Answer, afterMs = 1): StoreCall | undefined {
    return this.take({ type: 'answered', answer }, afterMs);
  }

  grant(token = 1n, predecessor: 'none' | 'expired' = 'none', afterMs = 1): StoreCall | undefined {
    const { call } = this.standing.calling!;
    const nonce = call.kind === 'acquire' ? call.candidacy.nonce : '';
    return this.answer({ kind: 'acquire', result: { granted: true, record: recordOf({ nonce, token }), predecessor } }, afterMs); // prettier-ignore
  }

  /** Up to when something is due by itself. */
  wait(): StoreCall | undefined {
    this.nowMs = wakeMs(this.standing, this.rules);
    return this.take({ type: 'wake' });
  }

  get leftMs(): number {
    return remainingMs(this.standing, { now: this.nowMs, wall: this.nowMs }, this.rules);
  }
}

/** The lease as the first candidacy has it. */
export const own = recordOf({ nonce: 'a#1.1', token: 1n });
