import type { Timer } from '../core/clock.ts';
import { systemRuntime } from '../core/runtime.ts';
import type { OperatorOptions } from './operator.ts';

/** @internal Who hears of stalls, and when. */
export interface StallSettings extends OperatorOptions {
  readonly stalledMs?: number | undefined;
}

/** @internal Tells when something has been held up for long. Call it with whether something is held up now. */
export function stallOf(
  operator: string,
  { stalledMs = 10_000, events, runtime = systemRuntime }: StallSettings,
  branch: () => string | undefined,
): (held: boolean) => void {
  let timer: Timer | undefined;
  return (held) => {
    if (!held) {
      timer?.cancel();
      timer = undefined;
    } else if (events !== undefined)
      timer ??= runtime.clock.setTimer(stalledMs, () => {
        events.tell('stalled', { operator, branch: branch(), waitedMs: stalledMs });
      });
  };
}
