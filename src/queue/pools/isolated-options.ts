import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { anything, invalid, number, type Rule } from '../../core/options.ts';
import { type Runtime, runtimeRule } from '../../core/runtime.ts';

/** What pools of threads and of processes have in common in their options. */
export interface IsolatedPoolOptions {
  /**
   * The module of the handler: an absolute path, or a URL. Its default export is called as `(data, context)`, as the
   * handler of a queue is; the context has all but what cannot cross: `progress` and `extend` are messages.
   */
  readonly filename: string | URL;
  /**
   * For how many milliseconds a job may go on after its signal has aborted, before its worker is ended.
   *
   * @defaultValue 5,000
   */
  readonly killAfterMs?: number | undefined;
  /**
   * How many milliseconds a worker may take to load the module.
   *
   * @defaultValue 30,000
   */
  readonly startTimeoutMs?: number | undefined;
  /** After how many jobs a worker is replaced; absent: never. */
  readonly maxJobs?: number | undefined;
  /** From which size of its JavaScript heap on, in MB, a worker is replaced after its job; absent: never. */
  readonly maxHeapMb?: number | undefined;
  /**
   * The most workers that make sense: what `suggestedMax` is.
   *
   * @defaultValue `os.availableParallelism()`
   */
  readonly max?: number | undefined;
  /**
   * Time, for tests.
   *
   * @defaultValue the system's
   */
  readonly runtime?: Runtime | undefined;
}

/** @internal The options that all have, to read with those of one's own. */
export const isolatedPoolShape = {
  filename: anything<string | URL>(),
  killAfterMs: number({ min: 0 }),
  startTimeoutMs: number({ min: 1 }),
  maxJobs: number({ min: 1, integer: true }),
  maxHeapMb: number({ min: 1 }),
  max: number({ min: 1, integer: true }),
  runtime: runtimeRule,
} satisfies Record<string, Rule<unknown>>;

/** @internal Options as they were read, `filename` as a URL. */
export interface IsolatedPoolSettings {
  readonly kind: 'thread' | 'process';
  readonly killAfterMs: number | undefined;
  readonly startTimeoutMs: number | undefined;
  readonly maxJobs: number | undefined;
  readonly maxHeapMb: number | undefined;
  readonly max: number;
  readonly runtime: Runtime | undefined;
  readonly url: string;
}

/**
 * @internal The module of a handler as a URL.
 *
 * @throws {@link HoldfastError} `INVALID_OPTION`
 */
export function moduleUrl(filename: unknown): string {
  if (filename instanceof URL) return filename.href;
  if (typeof filename === 'string') {
    if (isAbsolute(filename)) return pathToFileURL(filename).href;
    if (/^(file|data):/.test(filename)) return filename;
  }
  throw invalid('filename', 'an absolute path or a URL', filename);
}
