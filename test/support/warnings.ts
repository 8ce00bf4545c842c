import { afterEach, beforeEach } from 'vitest';

/** The warnings of the process during each test of a file, which are not printed; read them after {@link warningsSettled}. */
export function recordWarnings(): Error[] {
  const warnings: Error[] = [];
  let others: readonly ((warning: Error) => void)[] = [];
  const hear = (warning: Error): void => {
    warnings.push(warning);
  };
  beforeEach(() => {
    warnings.length = 0;
    others = process.listeners('warning');
    process.removeAllListeners('warning');
    process.on('warning', hear);
  });
  afterEach(() => {
    process.removeAllListeners('warning');
    for (const other of others) process.on('warning', other);
  });
  return warnings;
}

/** Node delivers a warning on a later tick. */
export const warningsSettled = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
