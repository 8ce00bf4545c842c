import type { Variant } from '../variant.ts';

export const sharding: readonly Variant[] = [
  {
    id: 'sharding/no-cool-down',
    mistake: 'A key that has cooled loses its replicas at once, and flaps.',
    file: 'src/sharding/heat.ts',
    search: 'const dueMs = next.coolSinceMs! + rules.coolDownMs;',
    replace: 'const dueMs = next.coolSinceMs!;',
    tests: ['test/sharding/heat.prop.test.ts'],
  },
  {
    id: 'sharding/no-hysteresis',
    mistake: 'A key loses a replica at the very rate at which it gets it back.',
    file: 'src/sharding/heat.ts',
    search: ' * rules.targetRate * rules.coolRatio;',
    replace: ' * rules.targetRate;',
    tests: ['test/sharding/heat.prop.test.ts'],
  },
  {
    id: 'sharding/newcomer-inherits',
    mistake: 'A key that takes over a counter claims its count as certain: any new key looks hot.',
    file: 'src/sharding/space-saving.ts',
    search: 'least.error = least.count;',
    replace: 'least.error = 0;',
    tests: ['test/sharding/hot-key-detector.prop.test.ts'],
  },
  {
    id: 'sharding/window-not-cleared',
    mistake: 'A new window begins with the counts of the one before the last.',
    file: 'src/sharding/windows.ts',
    search: '    this.#current.clear();\n',
    replace: '',
    tests: ['test/sharding/hot-key-detector.prop.test.ts'],
  },
  {
    id: 'sharding/write-misses-retiring',
    mistake: 'A write does not reach a replica that was read a moment ago and is about to be let go.',
    file: 'src/sharding/hot-keys.ts',
    search: 'this.heat(text).reached);',
    replace: 'this.heat(text).replicas);',
    tests: ['test/sharding/shard-router.prop.test.ts'],
  },
  {
    id: 'sharding/dead-key-stays',
    mistake: 'A key that nobody asks for any more keeps its replicas.',
    known: 'ours, d5eeb67',
    file: 'src/sharding/shard-router.ts',
    search: 'if (nowMs > quietMs) this.#keys.lookBack(quietMs);',
    replace: '',
    tests: [
      'test/sharding/regressions.test.ts',
      'test/sharding/shard-router.test.ts',
      'test/sharding/shard-router.prop.test.ts',
    ],
  },
];
