import { UserError } from './user-error.ts';

const longestQuery = 1_000;

/** The words of a text: the longest runs of letters, marks and digits, in compatibility form and lower case. */
export function tokenise(text: string): string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}

/** The terms of a query: its words, each once. */
export function termsOf(query: string): string[] {
  return [...new Set(tokenise(query))];
}

/** @throws {@link UserError} when there is nothing in a query to search for, or too much */
export function checkQuery(query: string): void {
  if (query.length > longestQuery) throw new UserError(`a query has at most ${longestQuery} characters`);
  if (termsOf(query).length === 0) throw new UserError('a query needs at least one word');
}
