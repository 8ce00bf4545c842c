/**
 * @internal A message as it arrives: a copy, for two processes share no memory. Class instances are cut down to their data.
 *
 * @throws DataCloneError for what cannot travel, like functions
 */
export function copyOf<T>(value: T): T {
  const plain = typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol';
  return plain || value === null ? value : structuredClone(value);
}

/** @internal A failure as it arrives: an error is the same one, for its code and its brand would not survive a copy. */
export function errorOf(error: unknown): unknown {
  return error instanceof Error ? error : copyOf(error);
}

/** @internal Arguments of a call, without the signals in them, which stay behind: nobody calls off across a network. */
export interface Packed {
  readonly args: readonly unknown[];
  readonly signals: readonly AbortSignal[];
  /** The arguments as the other side sees them: with signals that never abort. */
  readonly unpack: (arrived: readonly unknown[]) => readonly unknown[];
}

/** @internal Signals are found as an argument and as `signal` of an argument. */
export function pack(values: readonly unknown[]): Packed {
  const found = values.map((value) => (value instanceof AbortSignal ? value : signalIn(value)));
  return {
    args: values.map((value, i) => {
      if (value instanceof AbortSignal) return undefined;
      return found[i] === undefined ? value : { ...(value as object), signal: undefined };
    }),
    signals: found.filter((signal) => signal !== undefined),
    unpack: (arrived) =>
      arrived.map((value, i) => {
        if (found[i] === undefined) return value;
        const { signal } = new AbortController();
        return value === undefined ? signal : { ...value, signal };
      }),
  };
}

function signalIn(value: unknown): AbortSignal | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { signal } = value as { readonly signal?: unknown };
  return signal instanceof AbortSignal ? signal : undefined;
}
