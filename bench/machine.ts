/*
 * Where it was measured: enough to judge the figures, nothing that names the machine or its owner.
 */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory: string;
  readonly platform: string;
  readonly node: string;
  readonly load: string;
}

/** The machine; the load average is that of the last minute. */
export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown processor',
    cores: processors.length,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    platform: `${process.platform} ${process.arch}`,
    node: `${process.version} (V8 ${process.versions.v8}), ${process.execArgv.join(' ')}`,
    load: loadavg()[0]!.toFixed(2),
  };
}

/** The version of a package that takes part, as installed for the benchmark. */
export function versionOf(bench: string, name: string): string {
  const file = join(bench, 'node_modules', name, 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  return `${name} ${version}`;
}
