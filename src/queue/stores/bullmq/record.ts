/*
 * A job as BullMQ keeps it. Ours is one text in BullMQ's data, for PostgreSQL would not keep every JSON as it is. How often
 * it was tried is with BullMQ, where it changes together with the lock:
 *
 * - attemptsStarted: leases
 * - attemptsMade: attempts that somebody has ended
 * - stalledCounter: leases that have run out, ever; `forgiven` of them were before the last redrive
 * - stacktrace: a line for each attempt of which somebody has told that its worker was lost; `redrives` says which count
 */
import type { DeadJob, DeadReason, JobSettings, LeasedJob, NewJob } from '../../queue-store.ts';
import type { BullJob, BullJobJson, BullJobOptions } from './client.ts';
import { bullDedupeId, bullId, legible, ownId } from './names.ts';

/** BullMQ's priorities are from 1, the first, to 2²¹; 0 would be before all. Ours are from -2²⁰ to 2²⁰ - 1, the first. */
const ordinary = 2 ** 20;

/** @internal */
export const priorities = { min: -ordinary, max: ordinary - 1 };

/** @internal What is kept of a job. */
export interface JobRecord<D> {
  readonly data: D;
  /** Of this put, among all puts of the same id. */
  readonly mark?: string | undefined;
  readonly key?: string | undefined;
  readonly priority?: number | undefined;
  /** In wall time. */
  readonly expiresAt?: number | undefined;
  readonly settings?: JobSettings | undefined;
  readonly redrives?: number | undefined;
  readonly forgiven?: number | undefined;
}

/** What BullMQ has as a job's data. */
interface Envelope {
  readonly holdfast: string;
}

/** @internal */
export const seal = <D>(record: JobRecord<D>): Envelope => ({ holdfast: JSON.stringify(record) });

/** @internal What is kept of a job, also of one that somebody has added with BullMQ itself. */
export function recordOf<D>({ name, data, opts }: Pick<BullJob, 'name' | 'data' | 'opts'>): JobRecord<D> {
  const text = (data as Partial<Envelope> | null)?.holdfast;
  if (typeof text === 'string') return JSON.parse(text) as JobRecord<D>;
  return { data: data as D, settings: { attempts: opts.attempts, type: name } };
}

/** @internal */
export function parsed(job: BullJobJson): Omit<BullJob, 'id'> {
  return {
    ...job,
    data: JSON.parse(job.data) as unknown,
    stacktrace: JSON.parse(job.stacktrace ?? '[]') as readonly string[] | null,
  };
}

/** @internal A job as BullMQ adds it. */
export function bulkJob<D>(
  { id, data, key, priority = 0, delayMs = 0, dedupe, expiresInMs, settings }: NewJob<D>,
  mark: string,
  wallMs: number,
): { name: string; data: Envelope; opts: BullJobOptions } {
  const expiresAt = expiresInMs === undefined ? undefined : wallMs + expiresInMs;
  return {
    name: legible(settings?.type ?? 'job'),
    data: seal({ data, mark, key, priority, expiresAt, settings }),
    opts: {
      jobId: bullId(id),
      priority: ordinary - priority,
      // Whether it is tried again is not BullMQ's to decide.
      attempts: 1,
      delay: Math.ceil(delayMs),
      removeOnComplete: true,
      removeOnFail: false,
      ...(dedupe !== undefined && { deduplication: { id: bullDedupeId(dedupe.id) } }),
    },
  };
}

const markOf = (redrives = 0): string => `lost ${String(redrives)}: `;

/** @internal What to keep of an attempt whose worker was lost, beside those before. */
export function withLoss<D>({ stacktrace }: Pick<BullJob, 'stacktrace'>, record: JobRecord<D>, error: string): string {
  return JSON.stringify([...(stacktrace ?? []), markOf(record.redrives) + legible(error)]);
}

function lossesOf<D>({ stalledCounter, stacktrace }: Omit<BullJob, 'id'>, record: JobRecord<D>): [number, number] {
  const stalls = stalledCounter - (record.forgiven ?? 0);
  const mark = markOf(record.redrives);
  return [stalls, stalls + (stacktrace ?? []).filter((line) => line.startsWith(mark)).length];
}

/** @internal A job that was claimed. */
export function leasedJob<D>(job: BullJob, record: JobRecord<D>, fence: bigint, wallMs: number): LeasedJob<D> {
  const { data, key, priority = 0, expiresAt, settings } = record;
  const [stalls, crashes] = lossesOf(job, record);
  const expiresInMs = expiresAt === undefined ? undefined : expiresAt - wallMs;
  const attempt = 1 + job.attemptsMade + stalls;
  return { id: ownId(job.id!), fence, data, key, priority, attempt, crashes, expiresInMs, settings };
}

/** @internal Why a job is dead, as BullMQ keeps it and shows it. */
export const obituary = (reason: DeadReason, error: string): string => `${reason}: ${legible(error)}`;

const obituaries = /^(failed|poison|discarded|expired): /;

/** @internal A job that was given up. */
export function deadJob<D>(id: string, json: BullJobJson): DeadJob<D> {
  const job = parsed(json);
  const record = recordOf<D>(job);
  const [stalls, crashes] = lossesOf(job, record);
  const { failedReason } = json;
  const reason = (obituaries.exec(failedReason)?.[1] ?? 'failed') as DeadReason;
  const error = failedReason.replace(obituaries, '');
  return { id: ownId(id), data: record.data, reason, error, attempts: job.attemptsMade + stalls, crashes };
}
