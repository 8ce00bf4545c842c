/**
 * Handlers of jobs in threads: a pool of piscina's workers, which is an optional peer dependency.
 *
 * @module holdfast/queue/threads
 */
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort, receiveMessageOnPort, type ResourceLimits } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { HoldfastError } from '../../core/errors.ts';
import { anything, readOptions } from '../../core/options.ts';
import type { ErrorRecord, FromWorker, ToWorker } from './crossing.ts';
import type { Isolate, Launch } from './isolate.ts';
import { type IsolatedPoolOptions, isolatedPoolShape, moduleUrl } from './isolated-options.ts';
import { IsolatedPool } from './isolated-pool.ts';
import { threadProgram, threadTask } from './worker-program.ts';

export type { IsolatedPoolEvents, IsolatedPoolHealth } from './isolated-events.ts';
export type { IsolatedPoolOptions } from './isolated-options.ts';
export { IsolatedPool } from './isolated-pool.ts';

/** Options of {@link ThreadPool}. */
export interface ThreadPoolOptions extends IsolatedPoolOptions {
  /** Limits of memory of each thread; one that goes beyond is lost, with `outOfMemory`. */
  readonly resourceLimits?: ResourceLimits | undefined;
  /** What the threads see as `process.env`; absent: a copy of this process's. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Added to their `process.argv`. */
  readonly argv?: readonly string[] | undefined;
  /** Options of Node for them; absent: this process's. */
  readonly execArgv?: readonly string[] | undefined;
  /** What they see as `workerData`. */
  readonly workerData?: unknown;
}

/** What piscina is told for each thread; one Piscina a thread, so that a thread is started, lost and ended by itself. */
type ThreadSettings = Pick<ThreadPoolOptions, 'resourceLimits' | 'env' | 'argv' | 'execArgv' | 'workerData'>;

/**
 * Runs jobs in threads, one job a thread: for work that keeps a processor busy, and for code that may not be trusted to end.
 *
 * Promises what {@link IsolatedPool} does. A thread that calls `process.exit`, runs out of memory or never ends costs its own
 * job's attempt. `transfer` of a job is moved and not copied; so is what the handler returns through piscina's `move`.
 *
 * Does not promise to end a thread within a native call that blocks before the call returns, nor to protect the process from
 * code that crashes the process; for that there is {@link ProcessPool}. `AsyncLocalStorage` does not cross.
 *
 * @example
 * ```ts
 * import { ThreadPool } from 'holdfast/queue/threads';
 *
 * const filename = new URL('data:text/javascript,export default (n) => n * 2');
 * await using pool = new ThreadPool<number, number>({ filename, max: 2 });
 * pool.suggestedMax // => 2
 * ```
 */
export class ThreadPool<D, R> extends IsolatedPool<D, R> {
  /**
   * @param options - where the handler is, and what becomes of threads that do not behave
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options: ThreadPoolOptions) {
    const read = readOptions('ThreadPool', options, {
      ...isolatedPoolShape,
      resourceLimits: anything<ResourceLimits>(),
      env: anything<Readonly<Record<string, string>>>(),
      argv: anything<readonly string[]>(),
      execArgv: anything<readonly string[]>(),
      workerData: anything(),
    });
    const { filename, max = availableParallelism(), resourceLimits, env, argv, execArgv, workerData, ...rest } = read;
    const settings = { ...rest, kind: 'thread' as const, max, url: moduleUrl(filename) };
    super(settings, launcher({ resourceLimits, env, argv, execArgv, workerData }));
  }
}

/**
 * One Piscina with one thread. It starts the thread, runs jobs on it, tells that it was lost, and ends it; its own queue and
 * its own replacement stay unused. Beside it goes a port, for what is said while a job runs and for what the job has come to:
 * an answer that cannot be cloned fails there, where the thread can still say so, and not in piscina, which would lose the
 * thread for it.
 */
function launcher(settings: ThreadSettings): Launch {
  return (hear, gone) => {
    const piscina = new Piscina({
      ...(settings as ConstructorParameters<typeof Piscina>[0]),
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      stricterFIFO: true,
      idleTimeout: Infinity,
      recordTiming: false,
      // Between jobs a thread is not to stand still in `Atomics.wait`: what the last job has left must not wait for the next.
      atomics: 'disabled',
    });
    const { port1, port2 } = new MessageChannel();
    /** Its exit tells the rest. */
    let ends = false;
    let failure: Error | undefined;
    let answer: FromWorker | undefined;

    const listen = (message: FromWorker): void => {
      // Piscina must have its thread back before the next job comes.
      if (message.type === 'done' || message.type === 'failed') answer = message;
      else hear(message);
    };
    const settled = (message?: ToWorker): void => {
      drain(port1, listen);
      const heard = answer ?? (message?.type === 'job' ? failedJob(message.seq, unreadable) : undefined);
      answer = undefined;
      if (heard !== undefined) hear(heard);
    };
    const task = (message: ToWorker, port?: unknown, moves: readonly object[] = []): void => {
      const transferList = (port === undefined ? moves : [port]) as never;
      piscina.run({ message, port }, { filename: 'node:process', name: threadTask, transferList }).then(
        () => {
          settled(message);
        },
        (error: unknown) => {
          // Of a thread that is lost its exit tells; any other failure is of a job that could not be sent.
          if (!ends && message.type === 'job') hear(failedJob(message.seq, { thrown: error }));
        },
      );
    };
    const end = (): void => {
      ends = true;
      void piscina.destroy();
    };
    const isolate: Isolate = {
      post(message, transfer) {
        if (message.type === 'load') task(message, port2);
        else if (message.type === 'job') task(message, undefined, attached(transfer));
        else port1.postMessage(message);
      },
      kill: end,
      dismiss: end,
      // Piscina holds the process while a task runs.
      hold: () => {},
    };

    piscina.on('error', () => {}); // told by the thread's own events
    piscina.run(threadProgram, { filename: 'node:vm', name: 'runInThisContext' }).catch((error: unknown) => {
      if (ends) return;
      failure = error as Error;
      end();
    });
    port1.on('message', listen).unref();
    const thread = piscina.threads[0]!;
    thread.once('error', (error: Error & { readonly code?: string }) => {
      ends = true;
      failure = error;
    });
    thread.once('exit', (exitCode: number) => {
      ends = true;
      settled(); // a job may have been done before
      port1.close();
      const outOfMemory = (failure as { readonly code?: string } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY';
      gone({ exitCode, outOfMemory, cause: failure });
    });
    return isolate;
  };
}

/** What has come and was not delivered yet, but for what cannot be read. */
function drain(port: MessagePort, listen: (message: FromWorker) => void): void {
  for (;;) {
    let next: { readonly message: FromWorker } | undefined;
    try {
      next = receiveMessageOnPort(port);
    } catch {
      continue; // it is off the port
    }
    if (next === undefined) return;
    listen(next.message);
  }
}

const unreadable: ErrorRecord = { name: 'DataCloneError', message: 'what the handler has returned could not be read' };

const failedJob = (seq: number, error: ErrorRecord): FromWorker => ({ type: 'failed', seq, error, spent: false });

/** Node would send a detached buffer, and the thread would never get it. */
function attached(transfer: readonly object[] = []): readonly object[] {
  for (const item of transfer) if (item instanceof ArrayBuffer && isDetached(item)) throw detachedError();
  return transfer;
}

function isDetached(buffer: ArrayBuffer): boolean {
  try {
    return new Uint8Array(buffer).length < 0;
  } catch {
    return true;
  }
}

function detachedError(): HoldfastError {
  const message =
    'a buffer to transfer is detached: an earlier attempt has moved it; copy it, or allow one attempt only';
  return new HoldfastError('UNSUPPORTED', message);
}
