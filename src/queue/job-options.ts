import { type Deadline, deadlineRule } from '../core/deadline.ts';
import { anything, check, invalid, number, object, oneOf, readOptions, type Rule } from '../core/options.ts';
import { HoldfastError } from '../core/errors.ts';
import { signalRule } from '../core/signals.ts';
import type { DedupeMode, StoreCaps } from './queue-store.ts';

/** What may be said of a job. */
export interface JobOptions {
  /**
   * Unique among the jobs that live or are kept: a second one is a duplicate and is not accepted again.
   *
   * @defaultValue one that nobody else has
   */
  readonly id?: string | undefined;
  /** Jobs of a key run one after the other, in order, and keys take turns. Absent: nothing is waited for. */
  readonly key?: string | undefined;
  /**
   * Higher is sooner.
   *
   * @defaultValue 0
   */
  readonly priority?: number | undefined;
  /** Not before so many milliseconds from now. Not together with `runAt`. */
  readonly delayMs?: number | undefined;
  /** Not before this date, or these milliseconds since the epoch, by the wall clock at this moment. */
  readonly runAt?: Date | number | undefined;
  /** Which other jobs it is the same as; see {@link DedupeMode}. */
  readonly dedupe?:
    | {
        /** The same for all that are the same. */
        readonly id: string;
        /** What becomes of a second one. */
        readonly mode?: DedupeMode | undefined;
      }
    | undefined;
  /**
   * How often it may be attempted, in all.
   *
   * @defaultValue the queue's `retry.attempts`
   */
  readonly attempts?: number | undefined;
  /**
   * How long an attempt may take, in milliseconds; then its signal aborts. Its worker is free when it has stopped.
   *
   * @defaultValue the queue's
   */
  readonly timeoutMs?: number | undefined;
  /** When its result is of no use any more; then it goes to the dead, as `expired`. A number is milliseconds from now. */
  readonly deadline?: Deadline | number | undefined;
  /** Takes the job back when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** Of which type it is, where types differ in how long they take: the elastic law tells them apart. */
  readonly type?: string | undefined;
  /** What to move to the worker's thread instead of copying it. */
  readonly transfer?: readonly object[] | undefined;
}

const modes = ['reject', 'replace', 'rerun'] as const;

const textRule: Rule<string> = {
  expected: 'a text of 1 to 1024 characters',
  accepts: (value) => typeof value === 'string' && value.length > 0 && value.length <= 1_024,
};

const whenRule: Rule<Date | number> = {
  expected: 'a Date or milliseconds since the epoch',
  // A Date by its shape: the linter keeps the class out of here.
  accepts: (value) => Number.isFinite(typeof value === 'object' ? (value as Partial<Date> | null)?.getTime?.() : value),
};

const shape = {
  id: textRule,
  key: textRule,
  priority: number(),
  delayMs: number({ min: 0 }),
  runAt: whenRule,
  dedupe: object<{ readonly id: string; readonly mode?: DedupeMode }>(),
  attempts: number({ min: 1, max: 1_000, integer: true }),
  timeoutMs: number({ min: 1 }),
  deadline: deadlineRule,
  signal: signalRule,
  type: textRule,
  transfer: anything<readonly object[]>(),
};

/** @internal {@link JobOptions}, checked. */
export type JobValues = ReturnType<typeof readJobOptions>;

/**
 * @internal Checks the options of a job against what the store can do.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`, `UNSUPPORTED`
 */
export function readJobOptions(options: unknown, caps: StoreCaps) {
  const values = readOptions('job', options, shape);
  const dedupe = values.dedupe === undefined ? undefined : readDedupe(values.dedupe);
  if (values.delayMs !== undefined && values.runAt !== undefined) {
    throw new HoldfastError('INVALID_OPTION', 'a job has delayMs or runAt, not both');
  }
  if (values.transfer !== undefined && !Array.isArray(values.transfer)) {
    throw invalid('transfer', 'an array', values.transfer);
  }
  if ((values.priority ?? 0) !== 0 && !caps.priority) throw lacking('priority');
  if (values.key !== undefined && !caps.keys) throw lacking('key');
  if ((values.delayMs ?? values.runAt) !== undefined && !caps.delay) throw lacking('a delay');
  if (dedupe !== undefined && !caps.dedupe.includes(dedupe.mode)) throw lacking(`dedupe "${dedupe.mode}"`);
  return { ...values, dedupe };
}

function readDedupe(options: unknown): { readonly id: string; readonly mode: DedupeMode } {
  const { id, mode = 'reject' } = readOptions('dedupe', options, { id: textRule, mode: oneOf(...modes) });
  return { id: check('dedupe.id', id, textRule), mode };
}

function lacking(what: string): HoldfastError {
  return new HoldfastError('UNSUPPORTED', `the store of this queue cannot do ${what}: see its caps`);
}
