import type { SerializedError } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';
import { numRuns, seed } from './properties.ts';

/** Ends the run with `N passed, N failed`, alone on its line; what breaks a run outside a test counts as failed. */
export default class ClosingLineReporter implements Reporter {
  #line = '';

  onInit(): void {
    console.log(`fast-check: FC_SEED=${String(seed)} FC_RUNS=${String(numRuns)}`);
    // After whatever else is printed: errors outside tests, the table of coverage.
    process.once('exit', () => {
      console.log(this.#line);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        counts[state === 'pending' ? 'skipped' : state] += 1;
      }
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      counts.failed += module.errors().length;
    }
    this.#line = `${String(counts.passed)} passed, ${String(counts.failed)} failed`;
    if (counts.skipped > 0) this.#line += `, ${String(counts.skipped)} skipped`;
  }
}
