import { inject, vi } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Said by the mutation tester. */
    mode?: 'dry-run' | 'mutant';
  }
}

// A mutant that makes a test wait for ever is known by then: far longer than any test takes, and far shorter than all of them.
if (inject('mode') === 'mutant') vi.setConfig({ testTimeout: 15_000, hookTimeout: 15_000 });
