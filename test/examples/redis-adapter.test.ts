import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { seededRandom } from 'holdfast/testing';
import { Redis } from 'ioredis';
import { describe, expect, it, test } from 'vitest';
import { root } from '../../.ci/subpaths.ts';
import type { Message } from '../../examples/redis-adapter/adapter-process.ts';
import { page } from '../../examples/redis-adapter/metrics.ts';
import { type Entry, type Line, newLines, type Position } from '../../examples/redis-adapter/slow-log.ts';
import { runs } from '../support/properties.ts';
import { describeWith, startRedis } from '../support/servers.ts';
import { limitMs, runExample } from './run-example.ts';

const entry = (id: number, command = ['GET', 'a']): Entry => [id, 1_700_000_000, 2_500, command, '127.0.0.1:1', 'app'];

describe('newLines', () => {
  const steps = fc.array(fc.constantFrom('slow', 'slow', 'slow', 'poll', 'poll', 'restart', 'reset'), {
    maxLength: 80,
  });

  it('tells of each entry once and in order, of all that are lost, and of each restart', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, maxLength) => {
        let [run, next, log] = [0, 0, [] as Entry[]];
        let from: Position | undefined;
        const lines: Line[] = [];
        const poll = (): void => {
          const { items, cursor } = newLines([...log].reverse(), `run-${String(run)}`, from); // the newest first, as Redis does
          lines.push(...items);
          from = cursor;
          expect(lines.at(-1)).toMatchObject(lines.length > 0 ? cursor : {});
          expect([...newLines(log, `run-${String(run)}`, from).items]).toEqual([]); // nothing twice
        };
        for (const step of [...all, 'slow', 'poll']) {
          if (step === 'slow') log = [...log, entry(next++)].slice(-maxLength);
          else if (step === 'reset') log = [];
          else if (step === 'restart') [run, next, log] = [run + 1, 0, []];
          else poll();
        }
        // Of each run that was asked: all its numbers up to the last that was told, as lines or as missed.
        for (const name of new Set(lines.map((line) => line.run))) {
          let told = -1;
          for (const { event, id, missed = 1 } of lines.filter(
            (line) => line.run === name && line.event !== 'restarted',
          )) {
            expect(id).toBe(told + (event === 'slow' ? 1 : missed));
            told = id;
          }
        }
        const asked = [...new Set(lines.map((line) => line.run))];
        expect(lines.at(-1)).toMatchObject({ run: `run-${String(run)}`, id: next - 1, event: 'slow' });
        expect(lines.filter(({ event }) => event === 'restarted').length).toBeGreaterThanOrEqual(asked.length - 1);
      }),
      { numRuns: runs(10) },
    );
  });

  it('has base units and what Redis says', () => {
    const { items } = newLines([entry(0, ['SORT', 'big', 'DESC'])], 'r');
    expect(JSON.stringify([...items])).toBe(
      '[{"event":"slow","run":"r","id":0,"at":"2023-11-14T22:13:20.000Z","seconds":0.0025,"command":"SORT",' +
        '"args":["big","DESC"],"client":"127.0.0.1:1","name":"app"}]',
    );
  });
});

describe('the page of metrics', () => {
  /** As Prometheus reads it: each family once, HELP and TYPE first, names and values well formed. */
  function parse(text: string): Map<string, { type: string; samples: Map<string, number> }> {
    const families = new Map<string, { type: string; samples: Map<string, number> }>();
    let help = '';
    for (const line of text.trimEnd().split('\n').filter(Boolean)) {
      const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line) ?? [];
      if (kind === 'HELP') help = name;
      else if (kind === 'TYPE') {
        expect([name, families.has(name)]).toEqual([help, false]);
        families.set(name, { type: rest, samples: new Map() });
      } else {
        const [, sample = '', labels = '', value] =
          /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/.exec(line) ?? [];
        expect([line, sample]).toEqual([line, help]);
        expect(Number(value)).not.toBeNaN();
        families.get(sample)!.samples.set(labels, Number(value));
      }
    }
    return families;
  }
  const info = [
    '# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:7\r\n\r\n# Memory\r\nused_memory:1048576\r\n',
    'role:master\r\ntotal_commands_processed:12\r\n# Commandstats\r\n',
    'cmdstat_get:calls=2,usec=1500000,usec_per_call=7.5\r\ncmdstat_config|set:calls=1,usec=20,usec_per_call=20.00\r\n',
    'cmdstat_a"b\\c:calls=1,usec=1,usec_per_call=1\r\n',
  ].join('');

  it('is by the conventions', async () => {
    const families = parse(await page(info));
    for (const [name, { type, samples }] of families) {
      expect([name, type]).toEqual([name, name.endsWith('_total') ? 'counter' : 'gauge']);
      expect(name).toMatch(/^redis_\w+_(?:seconds|bytes|total|info)$|^redis_up$/);
      expect(samples.size).toBeGreaterThan(0);
    }
    expect(families.get('redis_up')!.samples.get('')).toBe(1);
    expect(families.get('redis_memory_used_bytes')!.samples.get('')).toBe(1_048_576);
    expect([...families.get('redis_instance_info')!.samples]).toEqual([['{version="7.0.15",role="master"}', 1]]);
    expect([...families.get('redis_command_duration_seconds_total')!.samples]).toEqual([
      ['{command="get"}', 1.5],
      ['{command="config|set"}', 0.000_02],
      ['{command="a\\"b\\\\c"}', 0.000_001],
    ]);
  });

  it('says that there is no answer, and nothing else; scrapes do not add up', async () => {
    const [name, sample] = ['redis_up', '\nredis_up 0\n'];
    const down = await page(undefined);
    expect(down).toContain(sample);
    expect(down.split('\n').filter((line) => line.startsWith('redis'))).toEqual([`${name} 0`]);
    expect(await page(info)).toBe(await page(info));
  });
});

describeWith(['redis-server'], 'redis-adapter', () => {
  test(
    'shows a real Redis, through kills of either',
    async () => {
      const printed = await runExample('redis-adapter');
      expect(printed).toMatch(/^ok {5}the adapter was killed half-way: (\d+) slow commands are \1 lines, each one$/m);
      expect(printed).toMatch(/^\{"event":"slow","run":"\w{40}","id":\d+,/m);
      expect(printed).toMatch(/^ok {5}the slow log has overflowed: a line says that [1-9]\d* are missed/m);
      expect(printed).toMatch(/^ok {5}and the page says redis_up 0$/m);
      expect(printed).toMatch(/^ok {5}Redis was restarted: restarted -1, slow 0, slow 1/m);
    },
    limitMs,
  );

  test(
    'killed six times at any moment it loses nothing and repeats nothing; and a Redis that is full is not well',
    async () => {
      const slow = [
        '--slowlog-log-slower-than',
        '1000',
        '--slowlog-max-len',
        '10000',
        '--enable-debug-command',
        'local',
      ];
      const server = await startRedis(...slow);
      const redis = new Redis(server.url);
      const folder = mkdtempSync(join(tmpdir(), 'redis-adapter-'));
      const random = seededRandom('kills');
      const start = async (): Promise<{ url: string; kill: () => Promise<void> }> => {
        const module = join(root, 'examples/redis-adapter/adapter-process.ts');
        const child = fork(module, ['adapter', String(server.port), folder], { execArgv: ['--import', 'tsx'] });
        let [message] = (await once(child, 'message')) as [Message];
        while (message.kind !== 'listening') [message] = (await once(child, 'message')) as [Message];
        const kill = async (): Promise<void> => {
          const gone = once(child, 'exit');
          if (child.kill('SIGKILL')) await gone;
        };
        return { url: message.url, kill };
      };
      let adapter = await start();
      try {
        const over = new AbortController();
        const work = (async () => {
          while (!over.signal.aborted) await redis.call('DEBUG', 'SLEEP', '0.0012');
        })();
        for (let kills = 0; kills < 6; kills++) {
          await sleep(random() * 150);
          await adapter.kill();
          adapter = await start();
        }
        over.abort();
        await work;
        await redis.config('SET', 'slowlog-log-slower-than', 60_000_000);
        const ids = ((await redis.slowlog('GET', -1)) as [number][]).map(([id]) => id).reverse();
        const read = (): Line[] =>
          readFileSync(join(folder, 'slow.jsonl'), 'utf8')
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line) as Line);
        await expect.poll(() => read().at(-1)?.id, { timeout: 30_000 }).toBe(ids.at(-1));
        expect(read().map(({ id }) => id)).toEqual(ids);
        expect(ids.length).toBeGreaterThan(100);

        const page = await fetch(`${adapter.url}/metrics`);
        expect(page.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
        expect(await page.text()).toMatch(/^redis_command_duration_seconds_total\{command="debug"\} \d+\.\d+$/m);
        const health = async (): Promise<number> => (await fetch(adapter.url)).status;
        await expect.poll(health, { timeout: 30_000 }).toBe(200);
        await redis.config('SET', 'maxmemory', 1);
        await expect.poll(health, { timeout: 30_000 }).toBe(503);
        expect(await redis.ping()).toBe('PONG');
        await redis.config('SET', 'maxmemory', 0);
        await expect.poll(health, { timeout: 30_000 }).toBe(200);
      } finally {
        await adapter.kill();
        redis.disconnect();
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    limitMs,
  );
});
