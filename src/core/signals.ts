/*
 * Cancellation without `AbortSignal.any`.
 *
 * A service has a few long-lived signals (its shutdown, a connection) and very many short calls below each.
 * `AbortSignal.any` keeps an entry on the parent for every call (nodejs/node#54614), and a listener a call costs O(n) to
 * add and warns from the eleventh on. Here a parent carries one listener of ours, whatever the fan-out, and a set of
 * children that a call enters and leaves in O(1). When the set is empty, the listener goes too.
 */

import type { Rule } from './options.ts';

/** @internal A `signal` option. Recognised by shape: polyfills and other realms have an `AbortSignal` of their own. */
export const signalRule: Rule<AbortSignal> = {
  expected: 'an AbortSignal',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<AbortSignal>).aborted === 'boolean' &&
    typeof (value as Partial<AbortSignal>).addEventListener === 'function',
};

/** @internal Takes a child off its parent: it is not run any more, not even by the abort under way. Idempotent. */
export type Unlink = () => void;

interface Child {
  readonly run: (reason: unknown) => void;
}

interface Hub {
  readonly children: Set<Child>;
  readonly wake: () => void;
}

const hubs = new WeakMap<AbortSignal, Hub>();
const nothing: Unlink = () => undefined;

/**
 * @internal Runs `run` once when the signal aborts, synchronously and in the order of linking; at once when it already
 * has. The caller unlinks in `finally`. `run` must not throw.
 */
export function onAbort(signal: AbortSignal | undefined, run: (reason: unknown) => void): Unlink {
  if (signal === undefined) return nothing;
  if (signal.aborted) {
    run(signal.reason);
    return nothing;
  }
  const hub = hubs.get(signal) ?? open(signal);
  if (hub.children.size === 0) signal.addEventListener('abort', hub.wake);
  const child: Child = { run };
  hub.children.add(child);
  return () => {
    if (hub.children.delete(child) && hub.children.size === 0) signal.removeEventListener('abort', hub.wake);
  };
}

function open(signal: AbortSignal): Hub {
  const children = new Set<Child>();
  const wake = (): void => {
    signal.removeEventListener('abort', wake);
    // Who was unlinked by one before him has left the set.
    for (const child of [...children]) if (children.delete(child)) child.run(signal.reason);
  };
  const hub: Hub = { children, wake };
  hubs.set(signal, hub);
  return hub;
}
