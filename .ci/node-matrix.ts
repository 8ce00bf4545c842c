/**
 * Runs the tests on several lines of Node: `node-matrix.ts [--package] [version …]`.
 * With `--package` only the tests of the packed tarball, which need `npm run build` first.
 * The binaries come from npm and stay in node_modules/.cache.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './subpaths.ts';

const lines = ['20', '22', '24', '26'];
/** 20.18 is the last line without require() of ES modules; it can run the package, but not the tools. */
const packageLines = ['20.18.3', '20', '22', '24'];

const { values, positionals } = parseArgs({ options: { package: { type: 'boolean' } }, allowPositionals: true });
const wanted = positionals.length > 0 ? positionals : values.package ? packageLines : lines;

const run = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void => {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
};

/** Path of the binary of the newest release of a line. */
function nodeBinary(version: string): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = join(root, 'node_modules/.cache/node-matrix', version);
  const binary = join(folder, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', '--loglevel=error', `${name}@${version}`]);
  }
  return binary;
}

const binaries = wanted.map(nodeBinary);
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
if (values.package) {
  const env = { ...process.env, HOLDFAST_NODES: binaries.join(delimiter) };
  run(process.execPath, [vitest, 'run', '--config', 'test/package/vitest.config.ts'], env);
} else {
  for (const [index, binary] of binaries.entries()) {
    console.log(`\nNode ${wanted[index]!}`);
    const env = { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env['PATH'] ?? ''}` };
    run(binary, [vitest, 'run'], env);
  }
}
