interface Process {
  rawListeners(event: 'unhandledRejection'): readonly Hear[];
  removeAllListeners(event: 'unhandledRejection'): void;
  on(event: 'unhandledRejection', listener: Hear): void;
  off(event: 'unhandledRejection', listener: Hear): void;
}

type Hear = (reason: unknown, promise: unknown) => void;

/**
 * @internal Hears rejections that nobody handled, in place of whoever hears them, a test runner's own handler included, until
 * called off. The platform reports one at the end of the turn in which nobody handled it.
 */
export function hearRejections(hear: (reason: unknown) => void): () => void {
  const { process } = globalThis as unknown as { readonly process?: Process };
  if (process === undefined) return () => undefined;
  // Raw, so that who was there for once is there for once again.
  const others = process.rawListeners('unhandledRejection');
  const listener: Hear = (reason) => hear(reason);
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', listener);
  return () => {
    process.off('unhandledRejection', listener);
    for (const other of others) process.on('unhandledRejection', other);
  };
}
