import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Where the peers are found from; the package is beside it. Handed over, for a suite runs as a bundle that is elsewhere. */
const bench = process.argv[2] ?? dirname(fileURLToPath(import.meta.url));

/** The bytes of what a module exports, with all that it depends on: bundled, minified, gzip. `holdfast/x` is the built package. */
export async function gzipOf(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: bench },
    alias: { 'holdfast/flow': join(dirname(bench), 'dist/flow.js') },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  });
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
}
