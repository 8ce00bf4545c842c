/** Examples that need more than this package: the peers, which `npm run bench:peers` installs, and servers. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { describeWith, type Server, startRedis } from '../support/servers.ts';
import { type Block, extract } from './blocks.ts';
import { compile, typeErrors } from './program.ts';

const blocks = readdirSync(join(root, 'docs/guides'))
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) => extract(`docs/guides/${name}`, readFileSync(join(root, 'docs/guides', name), 'utf8')))
  .filter(({ needs }) => needs !== undefined);
const onRedis = ({ needs }: Block): boolean => needs?.includes('redis') ?? false;

/** Below bench/, so that the peers are found from there. */
function writeAll(): { readonly folder: string; readonly modules: ReadonlyMap<Block, string> } {
  mkdirSync(join(root, 'bench/.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, 'bench/.cache/doc-examples-'));
  const modules = blocks.map((block): [Block, string] => {
    const path = join(folder, `${block.file.replaceAll(/[^\w.]/g, '_')}_${String(block.line)}.ts`);
    writeFileSync(path, compile(block));
    return [block, path];
  });
  return { folder, modules: new Map(modules) };
}

if (existsSync(join(root, 'bench/node_modules/hashring'))) {
  const { folder, modules } = writeAll();
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const errors = typeErrors(
    [...modules.values()],
    ['bench/peers.d.ts', 'bench/opossum.d.ts'].map((file) => join(root, file)),
  );
  const title = ({ file, line }: Block): string => `${file}:${String(line)}`;

  test.each(blocks.map((block) => [title(block), block] as const))('the types of %s', (_, block) => {
    expect(errors.get(modules.get(block)!)).toEqual([]);
  });

  test.each(blocks.filter((block) => !onRedis(block)).map((block) => [title(block), block] as const))(
    '%s',
    async (_, block) => {
      await import(modules.get(block)!);
    },
  );

  describeWith(['redis-server'], 'with a Redis', () => {
    let redis: Server;
    beforeAll(async () => {
      redis = await startRedis();
      process.env['REDIS_URL'] = redis.url;
    });
    afterAll(() => redis.stop());

    test.each(blocks.filter(onRedis).map((block) => [title(block), block] as const))('%s', async (_, block) => {
      await import(modules.get(block)!);
    });
  });
} else {
  describe.skip('examples beside peers (needs: npm run bench:peers)', () => test('are checked', () => undefined));
}
