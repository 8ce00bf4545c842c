import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';

const fixture = fileURLToPath(new URL('fixtures/idle.ts', import.meta.url));

const start = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', fixture, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

const text = async (child: ChildProcess): Promise<string> => {
  let output = '';
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    output += part;
  });
  await once(child, 'exit');
  return output;
};

it.each(['tasks', 'pqueue', 'threads', 'processes'])(
  'a process with an idle pool of %s ends by itself, closed or not',
  async (kind) => {
    const [idle, closed] = [start(kind, 'idle'), start(kind, 'closed')];
    expect(await Promise.all([text(idle), text(closed)])).toEqual(['done idle\n', 'done closed\n']);
    expect([idle.exitCode, closed.exitCode]).toEqual([0, 0]);
  },
);

it('a child process that loses its parent ends', async () => {
  const parent = start('processes', 'busy');
  const [, pid] = await new Promise<string[]>((resolve) => {
    let output = '';
    parent.stdout!.setEncoding('utf8').on('data', (part: string) => {
      output += part;
      if (output.split('\n').length > 2) resolve(output.split('\n'));
    });
  });
  const alive = (): boolean => process.kill(Number(pid), 0);
  expect(alive()).toBe(true);
  parent.kill('SIGKILL');
  await vi.waitFor(() => {
    expect(alive).toThrow('ESRCH');
  }, 10_000);
});
