import { Deadline } from 'holdfast/core';
import { deadlineHeader } from './protocol.ts';

/** Where a leaf is reached. */
export interface Replica {
  readonly id: string;
  readonly url: string;
}

/** An answer of a leaf that is not 200, and what the leaf says about it. */
export class LeafError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor({ id }: Replica, status: number, reason: string) {
    super(`${id} answered ${status}: ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

/** By when, and what calls it off. An `Attempt` fits. */
export interface Limits {
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
}

/** Limits of a call that is not part of a larger one. */
export function within(ms: number): Limits {
  return { signal: AbortSignal.timeout(ms), deadline: Deadline.after(ms) };
}

/**
 * Asks a leaf: `POST` with a body, `GET` without. The leaf is told how many milliseconds there are left.
 *
 * @throws when there is no answer; {@link LeafError} when it is one that is not 200
 */
export async function callLeaf(
  replica: Replica,
  path: string,
  { signal, deadline }: Limits,
  body?: object,
): Promise<unknown> {
  const response = await fetch(replica.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { [deadlineHeader]: deadline.toHeader(), 'content-type': 'application/json' },
    signal,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (response.ok) return answer;
  throw new LeafError(replica, response.status, String((answer as { error?: unknown }).error));
}

/** Whether a leaf has seen a later leader than the one that asks. */
export function isRefused(error: unknown): error is LeafError {
  return error instanceof LeafError && error.status === 409;
}
