import type { Clock, Timer } from '../core/clock.ts';
import type { FlowEvents } from './flow-events.ts';

/** @internal Tells when something has been held up for long. */
export class Stall {
  readonly #tell: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #afterMs: number;
  #timer: Timer | undefined;

  constructor(
    operator: string,
    clock: Clock,
    afterMs: number,
    events: FlowEvents | undefined,
    branch: () => string | undefined,
  ) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#tell =
      events &&
      (() => {
        events.tell('stalled', { operator, branch: branch(), waitedMs: afterMs });
      });
  }

  /** Something is held up now, or nothing is. */
  is(held: boolean): void {
    if (!held) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else if (this.#tell !== undefined) this.#timer ??= this.#clock.setTimer(this.#afterMs, this.#tell);
  }
}
