import { describe, expect, it } from 'vitest';
import { command } from '../../evidence/command.ts';
import { testsIn } from '../../evidence/suite.ts';
import { count, median, percent, source, table } from '../../evidence/text.ts';

describe('figures', () => {
  it('are grouped, rounded and shared', () => {
    expect([count(1_234_567.4), percent(1, 8), percent(0, 0)]).toEqual(['1,234,567', '12.5 %', '–']);
    expect([median([3]), median([9, 1, 2]), median([1, 2, 10, 3])]).toEqual([3, 2, 2.5]);
  });

  it('stand in a table, whatever is in a cell', () => {
    expect(table(['a', 'b'], [['x | y', 'two\nlines']])).toBe('| a | b |\n| --- | --- |\n| x \\| y | two lines |');
  });

  it('name their command, Node, day and commit', () => {
    const stamp = { command: 'npm run evidence -- zoo', node: 'v20.1.2', date: '2026-01-02', commit: 'abcdef0' };
    expect(source(stamp, 'one process')).toBe(
      '_`npm run evidence -- zoo`, one process; Node 20.1.2, 2026-01-02, commit abcdef0._',
    );
  });
});

describe('the closing line of a run', () => {
  it('says how many tests have passed, failed and were skipped', () => {
    expect(testsIn('noise\n3 passed, 1 failed\n')).toEqual({ passed: 3, failed: 1, skipped: 0 });
    expect(testsIn('3 passed, 0 failed, 2 skipped\n')).toEqual({ passed: 3, failed: 0, skipped: 2 });
    expect(testsIn('no such line')).toBe(undefined);
  });
});

describe.skipIf(process.platform === 'win32')('a command', () => {
  it('tells how it has ended and what it has said', async () => {
    const ended = await command(process.execPath, ['-e', 'console.log(process.env.X); process.exit(3)'], {
      timeoutMs: 60_000,
      env: { X: 'said' },
    });
    expect(ended).toMatchObject({ code: 3, timedOut: false, output: 'said\n' });
  });

  it('takes along the children that it has left, which would keep its output open', async () => {
    const leaves = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e3)'], { stdio: 'inherit' }); process.exit(0)`;
    const ended = await command(process.execPath, ['-e', leaves], { timeoutMs: 60_000 });
    expect(ended).toMatchObject({ code: 0, timedOut: false });
  });

  it('ends when its time is over, and all its children', async () => {
    const lasts = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e3)'], { stdio: 'inherit' }); setInterval(() => {}, 1e3)`;
    expect(await command(process.execPath, ['-e', lasts], { timeoutMs: 1_000 })).toMatchObject({ timedOut: true });
  });
});
