import type { Variant } from '../variant.ts';

const graph = ['test/flow/graph.prop.test.ts'];

export const flow: readonly Variant[] = [
  {
    id: 'flow/first-part-acks',
    mistake: 'A delivery is acknowledged with the first of its parts instead of the last.',
    file: 'src/flow/transaction.ts',
    search: 'return --this.#open === 0 ? this.#end(true',
    replace: 'return --this.#open >= 0 ? this.#end(true',
    tests: graph,
  },
  {
    id: 'flow/settled-twice',
    mistake: 'A reader that acknowledges and then gives back does both.',
    file: 'src/flow/transaction.ts',
    search: '    this.#settlement = undefined;\n    return settlement;',
    replace: '    return settlement;',
    tests: ['test/flow/items.test.ts', 'test/flow/hostile.test.ts', ...graph],
  },
  {
    id: 'flow/part-twice',
    mistake: 'A part that is delivered again counts twice, and the set is released with one missing.',
    file: 'src/flow/barrier.ts',
    search: 'if (parts.size === size) release(set);',
    replace: 'if (deliveries.length === size) release(set);',
    tests: ['test/flow/barrier.test.ts', ...graph],
  },
  {
    id: 'flow/late-part-waits',
    mistake: 'A part that comes again after its set was dealt with opens a set that never fills.',
    file: 'src/flow/barrier.ts',
    search: 'if (acked) settled(of);',
    replace: '',
    tests: ['test/flow/barrier.test.ts'],
  },
  {
    id: 'flow/dropped-unsettled',
    mistake: 'What a full branch drops is never acknowledged: its delivery stays open for ever.',
    file: 'src/flow/fan.ts',
    search: `drop = (branch: Branch<T>, delivery: Delivery<T>): void => {
    quietly(() => delivery.ack());`,
    replace: 'drop = (branch: Branch<T>, delivery: Delivery<T>): void => {',
    tests: ['test/flow/branches.test.ts'],
  },
  {
    id: 'flow/reads-ahead',
    mistake: 'What waits for a slow reader does not count against the concurrency: memory grows with the source.',
    file: 'src/flow/map.ts',
    search: 'if (slots.size + port.size < concurrency) intake.pull();',
    replace: 'if (slots.size < concurrency) intake.pull();',
    tests: ['test/flow/ahead.prop.test.ts'],
  },
  {
    id: 'flow/merge-ends-early',
    mistake: 'A merge ends with the first of its flows.',
    file: 'src/flow/merge.ts',
    search: 'if (failure !== undefined || --open === 0) port.end(failure);',
    replace: 'if (failure !== undefined || --open >= 0) port.end(failure);',
    tests: ['test/flow/merge.test.ts', ...graph],
  },
];
