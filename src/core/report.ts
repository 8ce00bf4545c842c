/*
 * Errors of callbacks that nobody awaits (listeners, `discard`) have no caller to go to. They must neither break the
 * primitive nor vanish.
 */

interface Platform {
  readonly process?: { readonly emitWarning?: (warning: Error) => void };
  readonly console?: { readonly error: (...data: readonly unknown[]) => void };
}

/** @internal Tells the operator of an error in a user's callback: a process warning, or `console.error` in a browser. */
export function reportError(what: string, error: unknown): void {
  const platform = globalThis as Platform;
  const warning = new Error(`holdfast: ${what}: ${messageOf(error)}`, { cause: error });
  warning.name = 'HoldfastWarning';
  if (error instanceof Error && error.stack !== undefined) warning.stack = `${warning.message}\n${error.stack}`;
  if (platform.process?.emitWarning === undefined) platform.console?.error(warning);
  else platform.process.emitWarning(warning);
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  try {
    return String(error);
  } catch {
    return 'an error that has no text';
  }
}
