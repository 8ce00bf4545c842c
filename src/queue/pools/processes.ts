/**
 * Handlers of jobs in processes of their own.
 *
 * @module holdfast/queue/processes
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../core/clock.ts';
import { anything, readOptions } from '../../core/options.ts';
import type { Launch } from './isolate.ts';
import { type IsolatedPoolOptions, isolatedPoolShape, moduleUrl } from './isolated-options.ts';
import { IsolatedPool } from './isolated-pool.ts';
import { processProgram } from './worker-program.ts';

export type { IsolatedPoolEvents, IsolatedPoolHealth } from './isolated-events.ts';
export type { IsolatedPoolOptions } from './isolated-options.ts';
export { IsolatedPool } from './isolated-pool.ts';

/** Options of {@link ProcessPool}. */
export interface ProcessPoolOptions extends IsolatedPoolOptions {
  /** Arguments of the processes: their `process.argv` from 2 on. */
  readonly args?: readonly string[] | undefined;
  /** Options of Node for them; absent: this process's, without those for one program or one debugger. */
  readonly execArgv?: readonly string[] | undefined;
  /** Their environment; absent: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Their working directory; absent: this process's. */
  readonly cwd?: string | undefined;
}

/**
 * Runs jobs in child processes, one job a process: for code that may crash the whole process, or block in native calls, and for
 * memory that is to be given back.
 *
 * Promises what {@link IsolatedPool} does. A process that does not end its job after it was told to is ended by `SIGKILL`.
 * One that has lost its parent ends as soon as its event loop turns. `SIGINT` and `SIGTERM`, which terminals and supervisors
 * send to all, are left to the parent. Output goes where the parent's goes.
 *
 * Does not move anything: `transfer` is copied like the rest. Data cross as by `structuredClone`, at some hundred MB/s.
 * `AsyncLocalStorage` does not cross.
 *
 * @example
 * ```ts
 * import { ProcessPool } from 'holdfast/queue/processes';
 *
 * const filename = new URL('data:text/javascript,export default (n) => n * 2');
 * await using pool = new ProcessPool<number, number>({ filename, max: 2 });
 * pool.suggestedMax // => 2
 * ```
 */
export class ProcessPool<D, R> extends IsolatedPool<D, R> {
  /**
   * @param options - where the handler is, and what becomes of processes that do not behave
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(options: ProcessPoolOptions) {
    const read = readOptions('ProcessPool', options, {
      ...isolatedPoolShape,
      args: anything<readonly string[]>(),
      execArgv: anything<readonly string[]>(),
      env: anything<Readonly<Record<string, string | undefined>>>(),
      cwd: anything<string>(),
    });
    const { filename, max = availableParallelism(), args, execArgv, env, cwd, ...rest } = read;
    const url = moduleUrl(filename);
    super({ ...rest, kind: 'process', max, url }, launcher(url, { args, execArgv, env, cwd }));
  }
}

/** How long a process that has ended may still be heard. */
const lastWordsMs = 200;

type ProcessSettings = Pick<ProcessPoolOptions, 'args' | 'execArgv' | 'env' | 'cwd'>;

function launcher(
  url: string,
  { args = [], execArgv = inherited(process.execArgv), env, cwd }: ProcessSettings,
): Launch {
  // Node runs the program after -e; the file is what the process is listed as, and its `process.argv[1]`.
  const program = [...execArgv, '--input-type=commonjs', '-e', processProgram];
  const listedAs = url.startsWith('file:') ? fileURLToPath(url) : 'holdfast-worker';
  return (hear, gone) => {
    const child = fork(listedAs, args, {
      execArgv: program,
      env: env as NodeJS.ProcessEnv,
      cwd,
      serialization: 'advanced',
    });
    let over = false;
    const end = (exitCode: number | null, signal: string | null, cause?: unknown): void => {
      if (over) return;
      over = true;
      child.removeAllListeners();
      // A process that could not be started may say so twice.
      child.on('error', () => {});
      if (child.connected) child.disconnect();
      gone({ exitCode: exitCode ?? undefined, signal: signal ?? undefined, cause });
    };
    child.on('message', hear as (message: unknown) => void);
    child.on('exit', (code, signal) => {
      if (!child.connected) {
        end(code, signal);
        return;
      }
      // What it has said before is still on its way.
      const last = (): void => {
        timer.cancel();
        end(code, signal);
      };
      const timer = systemClock.setTimer(lastWordsMs, last, { ref: true });
      child.on('disconnect', last);
    });
    child.on('error', (error) => {
      // Else a message or a signal could not be sent, and the exit tells the rest.
      if (child.pid === undefined) end(null, null, error);
    });
    return {
      post: (message) => {
        if (child.connected) child.send(message, () => {});
      },
      kill: () => {
        child.kill('SIGKILL');
      },
      dismiss: () => {
        if (child.connected) child.disconnect();
      },
      hold: (held) => {
        hold(child, held);
      },
    };
  };
}

function hold(child: ChildProcess, held: boolean): void {
  if (held) {
    child.ref();
    child.channel?.ref();
  } else {
    child.unref();
    child.channel?.unref();
  }
}

const withValue = /^(-e|--eval|-p|--print|-pe|-c|--check)$/;
const ofOneProgram = /^(-i$|--interactive$|--input-type|--inspect|--watch|--test)/;

/** The options of this process that a worker can have too: not its program, not its debugger's port. */
function inherited(execArgv: readonly string[]): readonly string[] {
  return execArgv.filter((arg, at) => {
    if (withValue.test(arg) || ofOneProgram.test(arg)) return false;
    return at === 0 || !withValue.test(execArgv[at - 1]!);
  });
}
