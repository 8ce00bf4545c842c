import type { Variant } from '../variant.ts';

export const calls: readonly Variant[] = [
  {
    id: 'calls/loser-runs-on',
    mistake: 'When an attempt has won, the other goes on.',
    file: 'src/calls/race.ts',
    search: 'if (this.#live.size > 0) this.#callOff(',
    replace: 'if (this.#live.size > 1) this.#callOff(',
    tests: ['test/calls/raced.prop.test.ts'],
  },
  {
    id: 'calls/hedge-after-success',
    mistake: 'The timer of the hedge outlives the answer: an attempt starts for a call that is over.',
    file: 'src/calls/race.ts',
    search: `    this.#over = true;
    this.#timer?.cancel();`,
    replace: '    this.#over = true;',
    tests: ['test/calls/raced.prop.test.ts'],
  },
  {
    id: 'calls/wait-beyond-deadline',
    mistake: 'A retry waits though the deadline comes before its pause is over.',
    file: 'src/calls/race.ts',
    search: 'if (!this.#fits(waitMs) || !this.#canPay()) {',
    replace: 'if (!this.#canPay()) {',
    tests: ['test/calls/raced.prop.test.ts'],
  },
  {
    id: 'calls/pushback-of-one',
    mistake: 'The pause that a server asks of one attempt does not hold back the others.',
    file: 'src/calls/race.ts',
    search: 'this.#notBeforeMs = Math.max(this.#notBeforeMs, runtime.clock.now() + pushbackMs);',
    replace: 'this.#notBeforeMs = -Infinity;',
    tests: ['test/calls/policies.test.ts', 'test/scatter/pushback.prop.test.ts'],
  },
  {
    id: 'calls/budget-one-more',
    mistake: 'A budget grants one extra attempt more than the ratio.',
    file: 'src/calls/budget.ts',
    search: 'if (this.#extrasNow + 1 > this.#allowed) {',
    replace: 'if (this.#extrasNow > this.#allowed) {',
    tests: ['test/calls/budget.prop.test.ts'],
  },
  {
    id: 'calls/budget-forgets-early',
    mistake: 'A budget forgets extra attempts a slice before their window is over: twice the ratio fits into a window.',
    file: 'src/calls/budget.ts',
    search: 'this.#extrasNow -= this.#extras[reused]!;',
    replace: `this.#extrasNow -= this.#extras[reused]! + this.#extras[tooOld]!;
    this.#extras[tooOld] = 0;`,
    tests: ['test/calls/budget.prop.test.ts'],
  },
  {
    id: 'calls/silence-unheard',
    mistake:
      'The percentile learns from answers only: whom a hedge has overtaken is never counted, and the delay shrinks.',
    file: 'src/calls/percentile.ts',
    search: 'this.#add(ms, false);',
    replace: 'void ms;',
    tests: ['test/calls/percentile.prop.test.ts'],
  },
  {
    id: 'calls/nested-not-retried',
    mistake: 'What several attempts below have failed of for good is retried as if it might mend.',
    known: 'ours, fba94de',
    file: 'src/calls/retry-policy.ts',
    search: 'if (attempts !== undefined) return attempts.every((each) => mayMend(each));',
    replace: '',
    tests: ['test/calls/policies.test.ts', 'test/calls/raced.prop.test.ts'],
  },
];
