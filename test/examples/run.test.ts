/** The command that runs an example, and what it refuses. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { limitMs } from './run-example.ts';

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'examples/run.ts', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

it.each([
  [[], {}, /^npm run example -- <name>, where the name is one of: .*\bsearch\b/],
  [['nothing'], {}, /^npm run example -- <name>/],
  [['config-sidecar', '--bogus'], {}, /^unexpected argument: --bogus; the example config-sidecar takes none$/m],
  [['simulated-partition', '--bogus'], {}, /^unexpected argument: --bogus/],
  [['simulated-partition'], { SIM_SEED: 'abc' }, /^SIM_SEED is a whole number, not 'abc'/],
  [['simulated-partition'], { SIM_SEED: '' }, /^SIM_SEED is a whole number, not ''/],
] as [string[], Record<string, string>, RegExp][])(
  '%s is refused in one line that says why: %o',
  (args, env, why) => {
    const { status, stdout, stderr } = run(args, env);
    expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
    expect(stderr).toMatch(why);
  },
  limitMs,
);

it(
  'hands the rest of the line to an example that takes arguments',
  () => {
    expect(run(['search', '--bogus']).stderr).not.toMatch(/unexpected argument: search/);
    expect(run(['search', '--bogus']).stderr).toMatch(/bogus/);
    const { status, stdout } = run(['simulated-partition', '--forgetful'], { SIM_SEED: '3' });
    expect({ status, found: stdout.includes('SIM_SEED=3') }).toEqual({ status: 1, found: true });
  },
  limitMs,
);
