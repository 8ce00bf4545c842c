import { isNoMembers } from 'holdfast/balancing';
import { messageOf } from './message.ts';

/** A shard that does not answer. */
export interface MissingShard {
  readonly shard: string;
  readonly why: string;
}

/** No shard has answered. */
export class UnavailableError extends Error {
  readonly missing: readonly MissingShard[];

  constructor(missing: readonly MissingShard[]) {
    super(`no shard answers: ${missing.map(({ shard, why }) => `${shard} (${why})`).join(', ')}`);
    this.missing = missing;
  }
}

/** Why a call of a shard has failed. Of several attempts the last one's reason: it is the newest. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors.at(-1));
  if (isNoMembers(error)) return 'none of its leaves serves';
  return messageOf(error);
}
