/*
 * What a caller has in its `AsyncLocalStorage` (a request's id, a trace) belongs to the work that it asks for, also where
 * that work waits for its turn and is started by somebody else's turn.
 *
 * The platform's means is `AsyncResource`. It is asked for at run time, so that the library stays free of `node:` imports;
 * where it is not to be had (browsers, Node before 20.16) the work has the context of whoever starts it.
 */

/** @internal The async context of a caller. */
export interface CallerContext {
  /** Calls a function in it. */
  runInAsyncScope<A extends readonly unknown[], R>(fn: (...args: A) => R, self: unknown, ...args: A): R;
}

interface AsyncHooks {
  readonly AsyncResource?: new (type: string, options: { readonly requireManualDestroy: boolean }) => CallerContext;
}

interface Platform {
  readonly process?: { readonly getBuiltinModule?: (name: string) => AsyncHooks | undefined };
}

const options = { requireManualDestroy: true };
let resource: AsyncHooks['AsyncResource'] | null | undefined;

/** @internal The context of who calls this; undefined where the platform has none. About 30 ns while nobody stores anything. */
export function callerContext(): CallerContext | undefined {
  resource ??= (globalThis as Platform).process?.getBuiltinModule?.('node:async_hooks')?.AsyncResource ?? null;
  return resource === null ? undefined : new resource('holdfast', options);
}
