/** The zoo does not rot: each variant can still be planted, and is still hunted. Hunting itself is `npm run evidence -- zoo`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { planted, type Variant } from './variant.ts';
import { failureOf, isJudgement } from './verdict.ts';
import { variants } from './variants.ts';

const sourceOf = ({ file }: Variant): string => readFileSync(join(root, file), 'utf8');

describe('the zoo', () => {
  it.each(variants.map((variant) => [variant.id, variant] as const))(
    '%s can be planted and is hunted',
    (_, variant) => {
      const source = sourceOf(variant);
      expect(planted(source, variant)).not.toBe(source);
      expect(variant.file).toMatch(/^src\/.*\.ts$/);
      expect(variant.tests.length).toBeGreaterThan(0);
      expect(variant.tests.filter((test) => !existsSync(join(root, test)))).toEqual([]);
    },
  );

  it('has forty variants at least, under names of their own, of every pattern', () => {
    expect(new Set(variants.map(({ id }) => id)).size).toBe(variants.length);
    expect(variants.length).toBeGreaterThanOrEqual(40);
    const folders = new Set(variants.map(({ file }) => file.split('/')[1]));
    const patterns = [
      'core',
      'hashing',
      'sharding',
      'calls',
      'balancing',
      'scatter',
      'election',
      'queue',
      'flow',
      'live',
    ];
    expect(patterns.filter((pattern) => !folders.has(pattern))).toEqual([]);
  });
});

describe('a variant', () => {
  const variant = variants[0]!;

  it('is refused where its text is not, or is twice', () => {
    expect(() => planted('nothing', variant)).toThrow('0 times');
    const source = sourceOf(variant);
    expect(() => planted(source + source, variant)).toThrow('2 times');
  });

  it('is caught by a judgement, not by a crash or a test that does not end', () => {
    const kindOf = (error: object): string => failureOf('a test', [{ message: '', name: 'Error', ...error }]).kind;
    const kinds = [
      { name: 'AssertionError' },
      { message: 'Property failed after 3 tests' },
      { name: 'SimFailure', seed: 4 },
      { message: 'two hold one job: "a"' },
      { message: 'Test timed out in 20000ms.' },
      { name: 'TypeError' },
      { name: 'HoldfastError', code: 'CLOSED' },
    ].map(kindOf);
    expect(kinds).toEqual(['expectation', 'property', 'simulation', 'law', 'timeout', 'thrown', 'thrown']);
    expect(kinds.filter((kind) => isJudgement(kind as never)).length).toBe(4);
  });

  it('has its runs and seeds counted', () => {
    const after = (error: object): unknown => failureOf('a test', [{ message: '', name: 'Error', ...error }]).after;
    expect(after({ message: 'Property failed after 12 tests\n{ seed: 1 }' })).toBe(12);
    expect(after({ name: 'AssertionError', message: 'seed 7 of a simulation that begins with 1: expected' })).toBe(7);
  });
});
