/*
 * Who a process is, so that another can tell whether it lives. A number alone does not do: it is given again.
 */
import { readFile } from 'node:fs/promises';
import { codeOf } from './files.ts';

/** @internal A process. What the platform does not tell is empty. */
export interface Owner {
  readonly pid: number;
  /** Which start of the machine it belongs to. */
  readonly boot: string;
  /** When it was started, in the units of the platform. */
  readonly start: string;
}

/** @internal How processes are told apart; a seam for tests. */
export interface Processes {
  self(): Promise<Owner>;
  isAlive(owner: Owner): Promise<boolean>;
}

/**
 * @internal By Linux' `/proc`: the boot id, and the start time of the process. Where there is none, a process lives when
 * its number does.
 */
export const processes: Processes = {
  self: async () => ({ pid: process.pid, boot: await bootId(), start: await startOf(process.pid) }),
  isAlive: async ({ pid, boot, start }) => {
    if (boot !== (await bootId()) || !isTaken(pid)) return false;
    const now = await startOf(pid);
    return now === start || now === '' || start === '';
  },
};

/** Whether a process has this number. One that we may not signal is there too. */
function isTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function bootId(): Promise<string> {
  return (await textOf('/proc/sys/kernel/random/boot_id')).trim();
}

async function startOf(pid: number): Promise<string> {
  // The name in parentheses may hold anything; the start time is the 20th field after it.
  const stat = await textOf(`/proc/${String(pid)}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}
