import type { Variant } from '../variant.ts';

export const scatter: readonly Variant[] = [
  {
    id: 'scatter/open-not-called-off',
    mistake: 'When a gather has settled, what is still open goes on.',
    file: 'src/scatter/gathering.ts',
    search: 'for (const leaf of open) leaf.race?.end(reason);',
    replace: 'for (const leaf of open.slice(1)) leaf.race?.end(reason);',
    tests: ['test/scatter/settlement.prop.test.ts'],
  },
  {
    id: 'scatter/asks-after-settled',
    mistake: 'The target that the limiter lets through in the turn of the settlement is asked for nothing.',
    file: 'src/scatter/gathering.ts',
    search: 'if (this.#settled) return Promise.resolve();',
    replace: '',
    tests: [
      'test/scatter/settlement.prop.test.ts',
      'test/scatter/reentrancy.test.ts',
      'test/scatter/semantics.test.ts',
    ],
  },
  {
    id: 'scatter/wait-begins-anew',
    mistake: 'Each answer after the requirement is met begins the wait for stragglers anew.',
    file: 'src/scatter/straggler.ts',
    search: "'untilMs' in before ? Math.min(before.untilMs, untilMs) : untilMs",
    replace: 'untilMs',
    tests: ['test/scatter/settlement.prop.test.ts', 'test/scatter/policies.test.ts'],
  },
  {
    id: 'scatter/coverage-rounded',
    mistake: 'How many answers a coverage needs is `ceil(coverage × total)`, whose product is rounded.',
    file: 'src/scatter/requirement.ts',
    search: 'let count = Math.max(0, Math.ceil(coverage * total) - 1);',
    replace: 'let count = Math.ceil(coverage * total);',
    tests: ['test/scatter/coverage.prop.test.ts'],
    only: 'is met by exactly those counts',
  },
  {
    id: 'scatter/late-is-failed',
    mistake: 'A leaf that gives up at the common deadline counts as broken, not as late.',
    file: 'src/scatter/gathering.ts',
    search: "if (result.status === 'failed' && deadline.expired) {",
    replace: "if (result.status === 'failed' && deadline.remaining() < 0) {",
    tests: ['test/scatter/same-deadline.test.ts', 'test/scatter/settlement.prop.test.ts'],
  },
  {
    id: 'scatter/merge-unstable',
    mistake: 'Of equal elements the merge gives those of any stream first.',
    file: 'src/scatter/merge-sorted.ts',
    search: 'return sign < 0 || (!(sign > 0) && order.get(a)! < order.get(b)!);',
    replace: 'return sign < 0 || (!(sign > 0) && order.get(a)! > order.get(b)!);',
    tests: ['test/scatter/merge-sorted.prop.test.ts'],
  },
];
