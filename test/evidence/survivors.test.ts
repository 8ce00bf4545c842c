import { describe, expect, it } from 'vitest';
import { hashOf, type MutationResult } from '../../evidence/mutation.ts';
import { lineOf, mutatorOf } from '../../evidence/mutants.ts';
import { read } from '../../evidence/results.ts';
import { explained } from '../../evidence/survivors.ts';

const results = Object.values((read('mutation') ?? {}) as MutationResult);

describe('what explains survivors', () => {
  it('is about mutants that have survived, where the file reads still as it did when it was measured', () => {
    const stale = explained.filter(({ file, line, mutator }) => {
      const found = results.find(({ files }) => file in files)?.files[file];
      if (found?.hash !== hashOf(file)) return false;
      return !found.survivors.some((record) => lineOf(record) === line && mutatorOf(record) === mutator);
    });
    expect(stale).toEqual([]);
  });

  it('says each thing once', () => {
    const places = explained.map(({ file, line, mutator }) => `${file}:${String(line)} ${mutator}`);
    expect(new Set(places).size).toBe(places.length);
  });
});
