/**
 * Measures elections and writes docs/election-report.md: `run.ts [--rounds N]`. With fewer than 10 rounds, the report goes to
 * the screen.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { format, resolveConfig } from 'prettier';
import { simulated } from '../../simulations/election/report.ts';
import { PostgresLeaseStore } from '../../src/election/stores/postgres.ts';
import type { Place } from '../../test/election/real/stores.ts';
import { programVersion, startEtcd, startPostgres, startRedis } from '../../test/support/servers.ts';
import { describeMachine, versionOf } from '../machine.ts';
import { blackHole } from './black-hole.ts';
import { contenders } from './contenders.ts';
import { electionReport, type Overlap, type Succession } from './report.ts';
import { successions } from './successions.ts';

const bench = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number above 0, got ${values.rounds}`);

const loads: string[] = [];
const noteLoad = (when: string): void => void loads.push(`${loadavg()[0]!.toFixed(2)} ${when}`);
const say = (what: string): void => console.error(what);

const folder = mkdtempSync(join(tmpdir(), 'holdfast-election-'));
const [redis, postgres, etcd] = [await startRedis(), await startPostgres(), await startEtcd()];
const pool = new pg.Pool({ connectionString: postgres.url });
await new PostgresLeaseStore(pool).createTable(AbortSignal.timeout(5_000));
await pool.end();

noteLoad('at the start');
const overlaps: Overlap[] = [];
for (const contender of contenders) {
  for (const direction of ['toServer', 'toClient'] as const) {
    say(`${contender.name}, ${direction}`);
    const seen = await blackHole(contender, { redis, etcd }[contender.kind], direction, rounds);
    overlaps.push({ name: contender.name, direction, rounds: seen });
  }
}
noteLoad('after the black holes');

const places: readonly Place[] = [
  { kind: 'file', url: folder },
  { kind: 'redis', url: redis.url },
  { kind: 'postgres', url: postgres.url },
  { kind: 'etcd', url: etcd.url },
];
const successionsSeen: Succession[] = [];
for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  for (const place of places) {
    say(`${place.kind}, ${signal}`);
    successionsSeen.push({ kind: place.kind, signal, ...(await successions(place, signal, rounds)) });
  }
}
noteLoad('at the end');
const text = electionReport({
  overlaps,
  successions: successionsSeen,
  ...(await simulated()),
  machine: describeMachine(),
  loads,
  versions: [
    ...['etcd3', 'redlock', 'ioredis'].map((name) => versionOf(bench, name)),
    ...(['redis-server', 'postgres', 'etcd'] as const).map(programVersion),
  ],
  date: new Date().toISOString().slice(0, 10),
  rounds,
});
const file = join(dirname(bench), 'docs', 'election-report.md');
const report = await format(text, { ...(await resolveConfig(file)), parser: 'markdown' });
if (rounds < 10) console.log(report);
else writeFileSync(file, report);

await Promise.all([redis.stop(), postgres.stop(), etcd.stop()]);
rmSync(folder, { recursive: true, force: true });
