import type { HeatReason } from './snapshot.ts';

/*
 * How many replicas a key has: the decision, without time, events or placement of its own.
 */

/** @internal What the operator wants. */
export interface HeatRules {
  readonly base: number;
  readonly targetRate: number;
  readonly coolRatio: number;
  readonly coolDownMs: number;
}

/** @internal One key's state. The first `replicas` of its order may be read; the first `reached` are written. */
export interface Heat {
  readonly replicas: number;
  readonly reason: HeatReason;
  /** When `replicas` changed. */
  readonly sinceMs: number;
  /** Since when, or since which step down, the key would do with fewer; undefined while it would not. */
  readonly coolSinceMs: number | undefined;
  /** Beyond `replicas`: replicas that were read within the last `coolDownMs`, until `reachedUntilMs`. */
  readonly reached: number;
  readonly reachedUntilMs: number;
}

/** @internal What is known of the key and its nodes now. */
export interface HeatInput {
  /** What the key surely gets, a second. */
  readonly rate: number;
  /** How many replicas it may have: `max`, or as many nodes as there are, but never less than `base`. */
  readonly limit: number;
  /** One of its nodes is hot, and this key is what makes it so. */
  readonly push: boolean;
  /** With one replica less, one of its nodes would be hot. */
  readonly hold: boolean;
}

/** @internal What the shell has to tell. */
export interface HeatEffect {
  readonly does: 'hot' | 'cool' | 'retired';
  readonly from: number;
  readonly to: number;
}

/** @internal A key that nobody has heard of. */
export function coldHeat(rules: HeatRules): Heat {
  return {
    replicas: rules.base,
    reason: 'cooled',
    sinceMs: -Infinity,
    coolSinceMs: undefined,
    reached: rules.base,
    reachedUntilMs: -Infinity,
  };
}

/** @internal Whether nothing tells the key from one that nobody has heard of. */
export function isCold(heat: Heat, rules: HeatRules): boolean {
  return heat.replicas === rules.base && heat.reached === rules.base;
}

/**
 * @internal The state after a look at `nowMs`, and what happened on the way.
 *
 * - up at once to ceil(rate / targetRate); down by one when `replicas - 1` would each get at most `coolRatio` of
 *   `targetRate`, and that for `coolDownMs` without a break; in between nothing changes
 * - looks may be rare: steps that were due since the last are made up for, each with its own time
 * - what may be read no more is reached by writes for another `coolDownMs`
 * - the same object when nothing has changed
 */
export function decideHeat(
  heat: Heat,
  input: HeatInput,
  rules: HeatRules,
  nowMs: number,
): { readonly heat: Heat; readonly effects: readonly HeatEffect[] } {
  const effects: HeatEffect[] = [];
  let next = heat;
  const stepDown = (replicas: number, atMs: number, reason: HeatReason): void => {
    next = retire(next, atMs, effects);
    effects.push({ does: 'cool', from: next.replicas, to: replicas });
    next = {
      replicas,
      reason,
      sinceMs: atMs,
      coolSinceMs: atMs,
      reached: Math.max(next.reached, next.replicas),
      reachedUntilMs: atMs + rules.coolDownMs,
    };
  };

  if (next.replicas > input.limit) stepDown(input.limit, nowMs, 'placement');
  const byRate = clamp(Math.ceil(input.rate / rules.targetRate), rules.base, input.limit);
  const byNode = input.push ? Math.min(next.replicas + 1, input.limit) : rules.base;
  const wanted = Math.max(byRate, byNode);
  if (wanted > next.replicas) {
    effects.push({ does: 'hot', from: next.replicas, to: wanted });
    const reason = byRate === wanted ? 'rate' : 'node';
    const reached = Math.max(next.reached, wanted);
    next = { ...next, replicas: wanted, reason, sinceMs: nowMs, coolSinceMs: undefined, reached };
  } else {
    while (wouldDoWithLess(next.replicas, input, rules)) {
      if (next.coolSinceMs === undefined) next = { ...next, coolSinceMs: nowMs };
      const dueMs = next.coolSinceMs! + rules.coolDownMs;
      if (dueMs > nowMs) break;
      stepDown(next.replicas - 1, dueMs, 'cooled');
    }
    const warm = !wouldDoWithLess(next.replicas, input, rules);
    if (warm && next.coolSinceMs !== undefined) next = { ...next, coolSinceMs: undefined };
  }
  return { heat: retire(next, nowMs, effects), effects };
}

function wouldDoWithLess(replicas: number, { rate, hold }: HeatInput, rules: HeatRules): boolean {
  return !hold && replicas > rules.base && rate <= (replicas - 1) * rules.targetRate * rules.coolRatio;
}

/** Lets go of what nobody has read for `coolDownMs`. */
function retire(heat: Heat, nowMs: number, effects: HeatEffect[]): Heat {
  if (heat.reached <= heat.replicas || nowMs < heat.reachedUntilMs) return heat;
  effects.push({ does: 'retired', from: heat.reached, to: heat.replicas });
  return { ...heat, reached: heat.replicas };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(value, most));
}
