/* What is refused, in which words; and how an election is done with. */

import type { Election, Term } from 'holdfast/election';
import { describe, expect, it } from 'vitest';
import { expectInvalid } from '../support/serving.ts';
import { make } from './support/electorate.ts';

const bad = (value: unknown): never => value as never;
const nothing = (): void => undefined;

describe('bad input', () => {
  it.each<[string, (election: Election, term: Term) => unknown, string]>([
    ['run', (election) => election.run(bad(5)), 'body must be a function, got 5'],
    ['run', (election) => election.run(nothing, { signal: bad(5) }), 'signal must be an AbortSignal, got 5'],
    ['acquire', (election) => election.acquire({ signal: bad({}) }), 'signal must be an AbortSignal, got an object'],
    ['terms', (election) => election.terms({ signal: bad(null) }), 'signal must be an AbortSignal, got null'],
    ['observe', (election) => election.observe({ signal: bad('x') }), 'signal must be an AbortSignal, got "x"'],
    ['health', (election) => election.health(-1), 'maxOverdueMs must be a finite number >= 0, got -1'],
    ['a resignation', (_, term) => term.resign({ to: bad(5) }), 'to must be a string, got 5'],
    ['a resignation', (_, term) => term.resign({ drainMs: -1 }), 'drainMs must be a finite number >= 0, got -1'],
    ['an update', (_, term) => term.update(1n), 'meta must be what JSON can say, got 1n'],
    ['a check', (_, term) => { term.check(-1); }, 'minRemainingMs must be a finite number >= 0, got -1'], // prettier-ignore
    ['a guard', (_, term) => term.guard(nothing, NaN), 'minRemainingMs must be a finite number >= 0, got NaN'],
  ])('of %s is refused, and costs nobody the term (%#)', async (_, ask, message) => {
    const { candidate, settled, closeAll } = make();
    const election = candidate('a');
    const term = await settled(election.acquire());
    const refused: unknown = await Promise.resolve()
      .then(() => ask(election, term))
      .catch((error: unknown) => error);
    expectInvalid(refused, message);
    expect(term.signal.aborted).toBe(false);
    await settled(term.resign());
    await closeAll();
  });
});

describe('an election that is disposed of', () => {
  it('is closed: nobody is left in office, and nobody comes into it', async () => {
    const { candidate, memory, settled, closeAll } = make();
    const election = candidate('a');
    const term = await settled(election.acquire());
    const left = term.resign();
    await settled(election[Symbol.asyncDispose]());
    await left;
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: null });
    const asks: (() => unknown)[] = [() => election.acquire(), () => election.terms(), () => election.observe()];
    for (const ask of asks) {
      const refused: unknown = await Promise.resolve().then(ask).catch((error: unknown) => error); // prettier-ignore
      expect(refused).toMatchObject({ code: 'CLOSED', message: 'the election is closed' });
    }
    await closeAll();
  });

  it('resigns a term that it has', async () => {
    const { candidate, memory, settled, closeAll } = make();
    const term = await settled(candidate('a').acquire());
    await settled(term[Symbol.asyncDispose]());
    expect(term.remainingMs()).toBe(0);
    expect(await memory.read('x', new AbortController().signal)).toMatchObject({ holder: null });
    await closeAll();
  });
});
