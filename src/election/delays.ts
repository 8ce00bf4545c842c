import type { Instant } from './instant.ts';
import type { Rules } from './rules.ts';

/** @internal When to ask again that a store has not answered: a while after the last time; at once, if that took as long. */
export function retryMs({ now }: Instant, sent: Instant, { renewMs, chance }: Rules): number {
  return Math.max(now, sent.now + Math.min(1_000, renewMs) * (0.5 + chance() / 2));
}

/** @internal When to ask again that a store has answered, and somebody was quicker. */
export function soonMs({ now }: Instant, { ttlMs, chance }: Rules): number {
  return now + (ttlMs / 100) * (0.5 + chance() / 2);
}

/** @internal When to renew what was asked for at `sent`. */
export function renewalMs(sent: Instant, { renewMs, chance }: Rules): number {
  return sent.now + renewMs * (0.9 + 0.2 * chance());
}

/** @internal When a candidate may ask for the lease again that was granted at `sent`, and was lost or given back. */
export function paceMs(sent: Instant, { renewMs }: Rules): number {
  return sent.now + Math.min(1_000, renewMs);
}
