import type { Variant } from '../variant.ts';

export const live: readonly Variant[] = [
  {
    id: 'live/told-after-close',
    mistake: 'A load that was under way when all was closed is told all the same.',
    file: 'src/live/rounds.ts',
    search: 'if (!this.#stopped) to(result);',
    replace: 'to(result);',
    tests: ['test/live/live.test.ts', 'test/live/live.prop.test.ts'],
  },
  {
    id: 'live/cursor-ahead',
    mistake: 'The cursor moves when a batch has come, not when it was taken: who leaves in between loses the rest.',
    file: 'src/live/poll.ts',
    search: `    if (items.length > 0) this.#batch = batch;
    else this.#cursor = cursor;`,
    replace: `    if (items.length > 0) this.#batch = batch;
    this.#cursor = cursor;`,
    tests: ['test/live/poll.prop.test.ts'],
  },
  {
    id: 'live/never-quiet',
    mistake: 'A trigger that never rests keeps a change from being loaded for ever.',
    file: 'src/live/live.ts',
    search: 'Math.min(settleMs, this.#latestMs - now)',
    replace: 'settleMs',
    tests: ['test/live/live.prop.test.ts', 'test/live/live.test.ts'],
  },
  {
    id: 'live/not-in-a-row',
    mistake: 'A probe counts failures whatever comes between them.',
    file: 'src/live/probe.ts',
    search: 'if (ok === well) return { well, against: 0 };',
    replace: 'if (ok === well) return { well, against };',
    tests: ['test/live/probe.prop.test.ts'],
  },
  {
    id: 'live/equal-by-length',
    mistake: 'Two values with as many fields are the same when what the fields have in common is.',
    file: 'src/live/same.ts',
    search: 'Object.hasOwn(b, name) && pairs.push(a[name], b[name]);',
    replace: 'pairs.push(a[name], b[name]);',
    tests: ['test/live/same.prop.test.ts'],
  },
];
