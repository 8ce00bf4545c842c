import { HoldfastError } from '../core/errors.ts';
import { check, describe, type Rule } from '../core/options.ts';

/** @internal What is known of one member. */
export interface Slot<M> {
  readonly id: string;
  member: M;
  pending: number;
}

const idRule: Rule<string> = {
  expected: 'a string (give LoadBalancer an `id` function)',
  accepts: (value) => typeof value === 'string',
};

/**
 * @internal The slots of a membership, in its order; those of known ids are kept, with the member's newest object.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`, and then no slot has changed
 */
export function slotsOf<M>(
  members: readonly M[],
  known: (id: string) => Slot<M> | undefined,
  idOf: (member: M) => string,
): ReadonlyMap<string, Slot<M>> {
  check('members', members, { expected: 'an array or a Live of one', accepts: Array.isArray });
  const slots = new Map<string, Slot<M>>();
  const pairs = Array.from(members, (member) => {
    const id = check('the id of a member', idOf(member), idRule);
    if (slots.has(id))
      throw new HoldfastError('INVALID_OPTION', `members must have distinct ids, got ${describe(id)} twice`);
    const slot = known(id) ?? { id, member, pending: 0 };
    slots.set(id, slot);
    return { slot, member };
  });
  // Only now that all are known to be good: a refused list changes nothing.
  for (const { slot, member } of pairs) slot.member = member;
  return slots;
}

/** @internal The member itself when it is a string, else its `id`. */
export function defaultId(member: unknown): string {
  const id = typeof member === 'object' && member !== null && 'id' in member ? member.id : member;
  return id as string; // whatever it is, the reader of ids checks it
}
