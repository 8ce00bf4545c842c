import type { Candidacy, Denied, Granted, LeaseRecord } from '../election/index.ts';
import { isFree } from './lease-trial.ts';

/** @internal What was asked of a store, and what it answered. */
export type Exchange =
  | { readonly asked: 'acquire'; readonly candidacy: Candidacy; readonly answer: Granted | Denied }
  | { readonly asked: 'renew'; readonly held: LeaseRecord; readonly answer: LeaseRecord | null }
  | { readonly asked: 'release'; readonly held: LeaseRecord; readonly answer: boolean }
  | { readonly asked: 'read'; readonly answer: LeaseRecord | null };

/** @internal An exchange, and between which two instants it took place. */
export type Step = Exchange & { readonly from: number; readonly to: number };

/** One lease as a store that does one thing after the other knows it, and the highest token ever. */
interface Lease {
  readonly record: LeaseRecord | null;
  readonly top: bigint;
}

const never: Lease = { record: null, top: 0n };

/**
 * @internal Whether there is an order of the steps, each at one instant between its `from` and its `to`, in which a store
 * that does one after the other gives the same answers (linearizability: Herlihy and Wing 1990; the search is that of
 * Wing and Gong, with the positions that failed remembered, Lowe 2017). A lane has the steps of one client, in order.
 *
 * No lease may expire meanwhile. `observer`: whether a candidate may declare one dead.
 *
 * @returns the steps of the longest order found that are next and fit nowhere; empty when all fit
 */
export function misfits(lanes: readonly (readonly Step[])[], observer: boolean): readonly Step[] {
  const failed = new Set<string>();
  let furthest = -1;
  let stuck: readonly Step[] = [];

  const search = (at: readonly number[], lease: Lease): boolean => {
    const next = lanes.flatMap((lane, i) => (at[i]! < lane.length ? [{ i, step: lane[at[i]!]! }] : []));
    if (next.length === 0) return true;
    const position = `${at.join()} ${String(lease.record?.version)} ${String(lease.top)}`;
    if (failed.has(position)) return false;
    const earliestEnd = Math.min(...next.map(({ step }) => step.to));
    for (const { i, step } of next) {
      if (step.from > earliestEnd) continue; // another had ended before it began
      const after = following(lease, step, observer);
      if (after !== undefined && search(at.with(i, at[i]! + 1), after)) return true;
    }
    failed.add(position);
    const depth = at.reduce((sum, one) => sum + one, 0);
    if (depth > furthest) [furthest, stuck] = [depth, next.map(({ step }) => step)];
    return false;
  };

  return search(
    lanes.map(() => 0),
    never,
  )
    ? []
    : stuck;
}

/** The lease after an exchange; undefined when a store in that state gives another answer. */
function following(lease: Lease, exchange: Exchange, observer: boolean): Lease | undefined {
  const { record, top } = lease;
  const matches = ({ nonce, token }: LeaseRecord): boolean => record?.nonce === nonce && record.token === token;
  switch (exchange.asked) {
    case 'acquire': {
      const { candidacy, answer } = exchange;
      const own = record?.nonce === candidacy.nonce;
      const free = record === null || (observer && record.version === candidacy.expectDead);
      if (!answer.granted) return own || free ? undefined : lease;
      const { token, version } = answer.record;
      if (version === record?.version) return undefined;
      if (own ? token !== record.token : !free || token <= top) return undefined;
      return { record: answer.record, top: token };
    }
    case 'renew': {
      const { held, answer } = exchange;
      if (answer === null) return matches(held) ? undefined : lease;
      return matches(held) && matches(answer) && answer.version !== record?.version
        ? { record: answer, top }
        : undefined;
    }
    case 'release':
      if (exchange.answer !== matches(exchange.held)) return undefined;
      return exchange.answer ? { record: null, top } : lease;
    case 'read': {
      const { answer } = exchange;
      if (answer === null || isFree(answer)) return record === null ? lease : undefined;
      return matches(answer) && answer.version === record?.version ? lease : undefined;
    }
  }
}
