import { HoldfastError } from '../core/errors.ts';
import { Following } from '../core/following.ts';
import type { Dyn } from '../core/live.ts';
import { check, describe, type Rule } from '../core/options.ts';

/** @internal What is kept of one member. */
export interface Kept<M> {
  readonly id: string;
  member: M;
  readonly pending: number;
}

/** @internal How a {@link Membership} tells members apart, and whom it tells of changes. */
export interface MembershipRules<M, S extends Kept<M>> {
  readonly id: (member: M) => string;
  readonly acceptEmpty: boolean;
  /** What is kept of a member that is new. */
  readonly make: (id: string, member: M) => S;
  /** Ids have come or gone. */
  readonly onChange: (before: ReadonlyMap<string, S>, now: ReadonlyMap<string, S>) => void;
  /** A list without members came and was not taken. */
  readonly onEmpty: () => void;
}

/**
 * @internal Who is there, by id, in the order given; what is known of those that stay is kept.
 *
 * A live list is looked at when somebody asks, and not followed in the background.
 */
export class Membership<M, S extends Kept<M>> {
  readonly #rules: MembershipRules<M, S>;
  #source: Following<readonly M[]> | undefined;
  #slots: ReadonlyMap<string, S> = new Map();
  /** Who was busy when he left, until he is not: a member that goes and returns, as after a resolver's blip, still is. */
  readonly #gone = new Map<string, S>();

  constructor(rules: MembershipRules<M, S>) {
    this.#rules = rules;
  }

  /** Takes another list; throws when it is bad, and then nothing has changed. */
  update(members: Dyn<readonly M[]>): void {
    if (this.#source !== undefined) this.#source.follow(members);
    else
      this.#source = new Following('a live membership', members, (list) => {
        this.#adopt(list);
      });
  }

  /** Those of the list as it is now. One that has turned bad is reported, once, and the members stay as they were. */
  current(): ReadonlyMap<string, S> {
    this.#source?.look();
    return this.#slots;
  }

  /** Nothing is in flight for this one any more. */
  idle(slot: S): void {
    this.#gone.delete(slot.id);
  }

  /** The listeners are told last, for they may look at the balancer or update it. */
  #adopt(members: readonly M[]): void {
    const { onChange, onEmpty, acceptEmpty } = this.#rules;
    const before = this.#slots;
    const slots = this.#slotsOf(members);
    if (slots.size === 0 && before.size > 0 && !acceptEmpty) {
      onEmpty();
      return;
    }
    for (const [id, { slot, member }] of slots) {
      slot.member = member;
      this.#gone.delete(id);
    }
    this.#slots = new Map([...slots].map(([id, { slot }]) => [id, slot]));
    for (const slot of before.values()) if (slot.pending > 0 && !slots.has(slot.id)) this.#gone.set(slot.id, slot);
    onChange(before, this.#slots);
  }

  /** Throws for a bad list; changes nothing. */
  #slotsOf(members: readonly M[]): ReadonlyMap<string, { readonly slot: S; readonly member: M }> {
    const { id: idOf, make } = this.#rules;
    check('members', members, { expected: 'an array or a Live of one', accepts: Array.isArray });
    const slots = new Map<string, { readonly slot: S; readonly member: M }>();
    for (const member of Array.from(members)) {
      const id = check('the id of a member', idOf(member), idRule);
      if (slots.has(id))
        throw new HoldfastError('INVALID_OPTION', `members must have distinct ids, got ${describe(id)} twice`);
      slots.set(id, { slot: this.#slots.get(id) ?? this.#gone.get(id) ?? make(id, member), member });
    }
    return slots;
  }
}

const idRule: Rule<string> = {
  expected: 'a string (give LoadBalancer an `id` function)',
  accepts: (value) => typeof value === 'string',
};

/** @internal The member itself when it is a string, else its `id`. */
export function defaultId(member: unknown): string {
  const id = typeof member === 'object' && member !== null && 'id' in member ? member.id : member;
  return id as string; // whatever it is, the reader of ids checks it
}
