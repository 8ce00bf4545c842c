import { spawn } from 'node:child_process';
import { root } from '../.ci/subpaths.ts';

/** How a command has ended. */
export interface Ended {
  /** Undefined: it was killed. */
  readonly code: number | undefined;
  readonly timedOut: boolean;
  readonly output: string;
  readonly seconds: number;
}

/** The process groups under way. */
const groups = new Set<number>();

function killAll(): void {
  for (const pid of groups) kill(pid);
}

function kill(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

process.once('exit', killAll);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/**
 * Runs a program from the root of the repository, as a process group of its own: when its time is over, or when this process
 * ends, all of it goes, whatever children it has.
 */
export function command(
  program: string,
  args: readonly string[],
  options: { readonly timeoutMs: number; readonly env?: Readonly<Record<string, string>> },
): Promise<Ended> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
    });
    const { pid } = child;
    if (pid !== undefined) groups.add(pid);
    const parts: Buffer[] = [];
    const hear = (part: Buffer): void => void parts.push(part);
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      kill(pid!);
    }, options.timeoutMs);
    child.once('error', reject);
    child.once('exit', () => {
      kill(pid!); // what it has left behind
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      groups.delete(pid!);
      const seconds = (performance.now() - start) / 1_000;
      resolve({ code: code ?? undefined, timedOut, output: Buffer.concat(parts).toString(), seconds });
    });
  });
}
