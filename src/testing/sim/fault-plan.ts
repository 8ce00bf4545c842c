import { check, invalid, number, oneOf, readOptions, type Rule } from '../../core/options.ts';
import { type Fault, type FaultType, faultTypes } from './fault.ts';

/** What `drawFaults` and `faults` draw from. */
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

const share = number({ min: 0, max: 1 });
const span = number({ min: 1 });
const names = list<string>('names', (value) => typeof value === 'string');
const shape = {
  nodes: names,
  services: names,
  horizonMs: span,
  maxFaults: number({ min: 0, integer: true }),
  maxForMs: span,
  types: list<FaultType>('types of faults', oneOf(...faultTypes).accepts),
  maxShare: share,
  maxExtraMs: number({ min: 0 }),
  maxDrift: number({ min: 0, max: 0.9 }),
  maxWallJumpMs: number({ min: 0 }),
};

function list<T>(what: string, accepts: (value: unknown) => boolean): Rule<readonly T[]> {
  return { expected: `an array of ${what}`, accepts: (value) => Array.isArray(value) && value.every(accepts) };
}

/** @internal Options, checked and complete. */
export interface FaultPlan extends Required<{
  readonly [K in Exclude<keyof FaultPlanOptions, 'services'>]: Exclude<FaultPlanOptions[K], undefined>;
}> {
  /** Nodes and services. */
  readonly all: readonly string[];
}

/** The groups of a partition are the bits of a number. */
const mostNames = 30;

/** @internal @throws {@link HoldfastError} `INVALID_OPTION` */
export function readPlan(options: FaultPlanOptions): FaultPlan {
  const values = readOptions('faults', options, shape);
  const nodes = check<readonly string[]>('nodes', values.nodes, names);
  const horizonMs = check<number>('horizonMs', values.horizonMs, span);
  const all = [...nodes, ...(values.services ?? [])];
  if (nodes.length === 0 || all.length > mostNames)
    throw invalid('nodes', `at least one, with services at most ${String(mostNames)}`, all);
  // A link has two ends.
  const types = (values.types ?? faultTypes).filter(
    (type) => all.length > 1 || (type !== 'partition' && type !== 'link'),
  );
  if (types.length === 0) throw invalid('types', 'at least one that so few nodes can have', values.types);
  return {
    nodes,
    all,
    horizonMs,
    types,
    maxFaults: values.maxFaults ?? 10,
    maxForMs: values.maxForMs ?? Math.ceil(horizonMs / 4),
    maxShare: values.maxShare ?? 0.3,
    maxExtraMs: values.maxExtraMs ?? 1000,
    maxDrift: values.maxDrift ?? 0,
    maxWallJumpMs: values.maxWallJumpMs ?? 60_000,
  };
}

/** @internal What a fault is made of: whole numbers, which fast-check can shrink; the smaller, the simpler the fault. */
export interface FaultNumbers {
  readonly type: number;
  readonly atMs: number;
  readonly forMs: number;
  /** Whom it strikes. */
  readonly node: number;
  /** Which nodes are on the one side, as bits. */
  readonly side: number;
  readonly oneWay: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly extra: number;
  readonly drift: number;
  readonly jump: number;
}

const percent = { min: 0, max: 100 };
const signed = { min: -100, max: 100 };

/** @internal The least and the greatest of each number. */
export function boundsOf(plan: FaultPlan): Readonly<Record<keyof FaultNumbers, { min: number; max: number }>> {
  return {
    type: { min: 0, max: plan.types.length - 1 },
    atMs: { min: 0, max: Math.max(0, Math.floor(plan.horizonMs) - 1) },
    forMs: { min: 1, max: Math.ceil(plan.maxForMs) },
    node: { min: 0, max: plan.nodes.length - 1 },
    side: { min: 1, max: Math.max(1, 2 ** plan.all.length - 2) },
    oneWay: { min: 0, max: 1 },
    loss: percent,
    duplicate: percent,
    reorder: percent,
    extra: percent,
    drift: signed,
    jump: signed,
  };
}

/** @internal The fault that the numbers say. */
export function faultOf(plan: FaultPlan, numbers: FaultNumbers): Fault {
  const { atMs } = numbers;
  const forMs = Math.min(numbers.forMs, plan.horizonMs - atMs);
  const node = plan.nodes[numbers.node]!;
  const from = plan.all.filter((_, i) => ((numbers.side >> i) & 1) === 1);
  const to = plan.all.filter((_, i) => ((numbers.side >> i) & 1) === 0);
  const type = plan.types[numbers.type]!;
  switch (type) {
    case 'partition':
      return { type, atMs, forMs, from, to, oneWay: numbers.oneWay === 1 };
    case 'link': {
      const shareOf = (n: number): number => (n / 100) * plan.maxShare;
      const [loss, duplicate, reorder] = [numbers.loss, numbers.duplicate, numbers.reorder].map(shareOf);
      return {
        type,
        atMs,
        forMs,
        from,
        to,
        loss,
        duplicate,
        reorder,
        extraMs: (numbers.extra / 100) * plan.maxExtraMs,
      };
    }
    case 'pause':
    case 'crash':
      return { type, atMs, forMs, node };
    case 'skew': {
      const wallJumpMs = (numbers.jump / 100) * plan.maxWallJumpMs;
      const rate = 1 + (numbers.drift / 100) * plan.maxDrift;
      return plan.maxDrift === 0 ? { type, atMs, node, wallJumpMs } : { type, atMs, node, rate, wallJumpMs };
    }
  }
}
