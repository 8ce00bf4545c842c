/*
 * Errors of callbacks that nobody awaits (listeners, `discard`) have no caller to go to. They must neither break the
 * primitive nor vanish.
 */

import { describe } from './options.ts';

interface Platform {
  readonly process?: { readonly emitWarning?: (warning: Error) => void };
  readonly console?: { readonly error: (...data: readonly unknown[]) => void };
}

/**
 * @internal Tells the operator of an error in a user's callback: a process warning, or `console.error` in a browser. Never
 * throws, whatever was thrown.
 */
export function reportError(what: string, error: unknown): void {
  const platform = globalThis as Platform;
  const message = textOf(error, 'message') ?? describe(error);
  const warning = new Error(`holdfast: ${what}: ${message}`, { cause: error });
  warning.name = 'HoldfastWarning';
  const stack = textOf(error, 'stack');
  if (stack !== undefined) warning.stack = `${warning.message}\n${stack}`;
  if (platform.process?.emitWarning === undefined) platform.console?.error(warning);
  else platform.process.emitWarning(warning);
}

/** Anything can be thrown: an error without text, a proxy that throws when touched. */
function textOf(error: unknown, property: 'message' | 'stack'): string | undefined {
  try {
    const text: unknown = error instanceof Error ? error[property] : undefined;
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined;
  }
}
