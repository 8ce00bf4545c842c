/** Examples that need more than this package: the peers, which `npm run bench:peers` installs, and servers. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import { describeWith, type Program, type Server, startPostgres, startRedis } from '../support/servers.ts';
import type { Block } from './blocks.ts';
import { blocksOf, documented, moduleOf, titleOf } from './documented.ts';
import { compile, typeErrors } from './program.ts';

const blocks = documented.flatMap(blocksOf).filter(({ needs = ['process'] }) => !needs.includes('process'));

interface Place {
  /** From where the packages are found. */
  readonly below: string;
  readonly blocks: readonly Block[];
  readonly types: readonly string[];
}

const hasPeers = (block: Block): boolean => block.needs!.includes('peers');
const here: Place = { below: '.cache', blocks: blocks.filter((block) => !hasPeers(block)), types: [] };
const besidePeers: Place = {
  below: 'bench/.cache',
  blocks: blocks.filter(hasPeers),
  types: ['bench/peers.d.ts', 'bench/opossum.d.ts'],
};

const on = (server: 'redis' | 'postgres', { needs }: Block): boolean => needs!.includes(server);

/** Declares the tests of the blocks of a place. */
function check({ below, blocks, types }: Place): void {
  mkdirSync(join(root, below), { recursive: true });
  const folder = mkdtempSync(join(root, below, 'doc-examples-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const modules = new Map(blocks.map((block) => [block, join(folder, moduleOf(block))]));
  for (const [block, path] of modules) writeFileSync(path, compile(block));
  const errors = typeErrors(
    [...modules.values()],
    types.map((file) => join(root, file)),
  );

  test.each(blocks.map((block) => [titleOf(block), block] as const))('the types of %s', (_, block) => {
    expect(errors.get(modules.get(block)!)).toEqual([]);
  });

  const run = (some: readonly Block[]): void =>
    test.each(some.map((block) => [titleOf(block), block] as const))('%s', async (_, block) => {
      await import(modules.get(block)!);
    });
  const withServer = (
    server: 'redis' | 'postgres',
    programs: readonly Program[],
    start: () => Promise<Server>,
    variables: (server: Server) => Record<string, string>,
  ): void => {
    const some = blocks.filter((block) => on(server, block));
    if (some.length === 0) return;
    describeWith(programs, `with ${server}`, () => {
      let started: Server;
      beforeAll(async () => {
        started = await start();
        Object.assign(process.env, variables(started));
      });
      afterAll(() => started.stop());
      run(some);
    });
  };

  const alone = blocks.filter((block) => !on('redis', block) && !on('postgres', block));
  if (alone.length > 0) run(alone);
  withServer('redis', ['redis-server'], startRedis, ({ url }) => ({ REDIS_URL: url }));
  withServer('postgres', ['postgres', 'initdb'], startPostgres, ({ host, port }) => ({
    ...{ PGHOST: host, PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' },
  }));
}

describe('with this package', () => check(here));

if (existsSync(join(root, 'bench/node_modules/hashring'))) describe('beside peers', () => check(besidePeers));
else describe.skip('examples beside peers (needs: npm run bench:peers)', () => test('are checked', () => undefined));
