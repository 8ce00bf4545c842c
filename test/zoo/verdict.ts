import type { TestError } from 'vitest';
import { firstSeed } from '../support/properties.ts';

/**
 * By what a test has failed: an expectation, a property, a simulation, a law of a conformance suite; its time was over; or it
 * has thrown what is no judgement: a TypeError, an error of the library's own.
 */
export type FailureKind = 'expectation' | 'property' | 'simulation' | 'law' | 'timeout' | 'thrown';

/** A test that has failed. */
export interface Failure {
  readonly test: string;
  readonly kind: FailureKind;
  /** After how many runs of its property or seeds of its simulation, where that is told. */
  readonly after?: number;
}

/** What the tests said of a variant. */
export interface Verdict {
  /** Whether the changed module was loaded at all. */
  readonly isLoaded: boolean;
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** What went wrong outside of tests: a module that cannot be loaded, say. */
  readonly broken: readonly string[];
}

/** How a test has failed: by the first of its errors that is a judgement, or by its first. */
export function failureOf(test: string, errors: readonly TestError[]): Failure {
  const all = errors.map((error) => ({ test, ...judged(error) }));
  return all.find(({ kind }) => isJudgement(kind)) ?? all[0] ?? { test, kind: 'thrown' };
}

/** Whether somebody has compared what is with what should be. */
export function isJudgement(kind: FailureKind): boolean {
  return kind !== 'thrown' && kind !== 'timeout';
}

function judged(error: TestError): { readonly kind: FailureKind; readonly after?: number } {
  const { name, message } = error;
  const runs = /^Property failed after (\d+) tests/.exec(message)?.[1];
  if (runs !== undefined) return { kind: 'property', after: Number(runs) };
  const seeds = /^seed (\d+) of a simulation/.exec(message)?.[1];
  if (seeds !== undefined) return { kind: 'simulation', after: Number(seeds) };
  if (name === 'SimFailure') return { kind: 'simulation', after: Number(error['seed']) - firstSeed + 1 };
  if (name === 'AssertionError') return { kind: 'expectation' };
  if (/timed out in \d+ms/.test(message)) return { kind: 'timeout' };
  // The suites for other people's stores know no library of assertions: they throw plain errors.
  if (name === 'Error' && error['code'] === undefined) return { kind: 'law' };
  return { kind: 'thrown' };
}
