import { check, invalid, number, oneOf, readOptions } from '../../core/options.ts';
import type { Random } from '../../core/random.ts';
import type { ArbitraryLike } from '../placement-cases.ts';
import { type Fault, type FaultType, faultTypes } from './fault.ts';

/** What {@link drawFaults} and {@link faults} draw from. */
export interface FaultPlanOptions {
  /** Nodes that may be paused, crashed, skewed and cut off. */
  readonly nodes: readonly string[];
  /**
   * Nodes that may be cut off, and nothing else: a store that stays up.
   *
   * @defaultValue none
   */
  readonly services?: readonly string[] | undefined;
  /** When all faults are over, in virtual milliseconds. */
  readonly horizonMs: number;
  /**
   * The most faults of a plan.
   *
   * @defaultValue 10
   */
  readonly maxFaults?: number | undefined;
  /**
   * The longest that one lasts, in milliseconds.
   *
   * @defaultValue a quarter of `horizonMs`
   */
  readonly maxForMs?: number | undefined;
  /**
   * Which types there are.
   *
   * @defaultValue all
   */
  readonly types?: readonly FaultType[] | undefined;
  /**
   * The greatest share of loss, duplication and reordering of a bad link, each.
   *
   * @defaultValue 0.3
   */
  readonly maxShare?: number | undefined;
  /**
   * How much longer messages take over a bad link at most, in milliseconds.
   *
   * @defaultValue 1000
   */
  readonly maxExtraMs?: number | undefined;
  /**
   * How far from 1 a skewed clock's rate is at most.
   *
   * @defaultValue 0
   */
  readonly maxDrift?: number | undefined;
  /**
   * How far a skewed clock's date jumps at most, in milliseconds.
   *
   * @defaultValue 60000
   */
  readonly maxWallJumpMs?: number | undefined;
}

/** What {@link faults} uses of fast-check: hand over `fc` itself. */
export interface FaultTools<out A> {
  /** Whole numbers. */
  integer(range: { readonly min: number; readonly max: number }): ArbitraryLike<number>;
  /** Objects with a value of an arbitrary in each field. */
  record(model: Readonly<Record<string, ArbitraryLike<number>>>): ArbitraryLike<unknown>;
  /** Arrays of values of an arbitrary. */
  array(arbitrary: ArbitraryLike<Fault>, constraints: { readonly maxLength: number }): A;
}

const share = number({ min: 0, max: 1 });
const names = {
  expected: 'an array of names',
  accepts: (value: unknown) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
} as { readonly expected: string; readonly accepts: (value: unknown) => boolean; readonly type?: readonly string[] };
const types = {
  expected: `an array of ${oneOf(...faultTypes).expected}`,
  accepts: (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(oneOf(...faultTypes).accepts),
} as { readonly expected: string; readonly accepts: (value: unknown) => boolean; readonly type?: readonly FaultType[] };
const shape = {
  nodes: names,
  services: names,
  horizonMs: number({ min: 1 }),
  maxFaults: number({ min: 0, integer: true }),
  maxForMs: number({ min: 1 }),
  types,
  maxShare: share,
  maxExtraMs: number({ min: 0 }),
  maxDrift: number({ min: 0, max: 0.9 }),
  maxWallJumpMs: number({ min: 0 }),
};

/** The numbers that a fault is made of, each a whole one within its bounds; the smaller, the simpler the fault. */
type Numbers = Readonly<Record<keyof ReturnType<typeof boundsOf>, number>>;
type Plan = ReturnType<typeof readPlan>;

function readPlan(options: FaultPlanOptions) {
  const values = readOptions('faults', options, shape);
  const nodes = check('nodes', values.nodes, names) as readonly string[];
  const horizonMs = check('horizonMs', values.horizonMs, shape.horizonMs) as number;
  const all = [...nodes, ...(values.services ?? [])];
  const possible = (values.types ?? faultTypes).filter((type) =>
    type === 'partition' || type === 'link' ? all.length > 1 : nodes.length > 0,
  );
  if (possible.length === 0 || all.length > mostNames)
    throw invalid('nodes and services', `enough for the types, and at most ${String(mostNames)}`, all);
  return {
    nodes,
    all,
    horizonMs,
    types: possible,
    maxFaults: values.maxFaults ?? 10,
    maxForMs: values.maxForMs ?? Math.ceil(horizonMs / 4),
    maxShare: values.maxShare ?? 0.3,
    maxExtraMs: values.maxExtraMs ?? 1000,
    maxDrift: values.maxDrift ?? 0,
    maxWallJumpMs: values.maxWallJumpMs ?? 60_000,
  };
}

/** The groups of a partition are bits of a number. */
const mostNames = 30;
