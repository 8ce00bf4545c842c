import { VirtualClock } from 'holdfast/testing';

/** A clock whose time is set by hand, for what only reads it. */
export class HandClock extends VirtualClock {
  nowMs: number;

  constructor(nowMs = 0) {
    super();
    this.nowMs = nowMs;
  }

  override now(): number {
    return this.nowMs;
  }
}
