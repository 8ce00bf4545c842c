/** Real files: readers see one whole valid version after another, whatever is done to the files meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, utimesSync, watch, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { live, type LiveChange, type Loaded, type LiveTrigger } from 'holdfast/live';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigFolder, readSnapshot } from './config-folder.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

function configFolder(): ConfigFolder {
  const folder = new ConfigFolder();
  cleanups.push(() => folder[Symbol.dispose]());
  return folder;
}

/** The folder is watched and not a file in it: a file is another one after a swap. */
const watching =
  (folder: string): LiveTrigger =>
  (fire) => {
    const watcher = watch(folder, { persistent: false }, fire);
    return () => {
      watcher.close();
    };
  };

/** Two files that belong together, and a sum that a torn one does not have. */
interface Config {
  readonly version: number;
  readonly other: number;
  readonly padding: string;
}

/** Looks at a value all the time: it is whole, valid and never older than before. */
function guard(config: Loaded<Config>) {
  const seen = { version: 0, looks: 0, changes: 0, conflated: 0 };
  const state = { over: false };
  const look = (value: Config, at: number): void => {
    expect(value.other).toBe(value.version);
    expect(value.padding).toBe(paddingOf(value.version));
    expect(at).toBeGreaterThanOrEqual(0);
  };
  const looking = (async () => {
    let version = 0;
    while (!state.over) {
      const value = config.current;
      look(value, value.version - seen.version);
      seen.version = value.version;
      expect(config.version).toBeGreaterThanOrEqual(version);
      version = config.version;
      seen.looks++;
      await turn();
    }
  })();
  const reading = (async () => {
    let last = 0;
    for await (const value of config.changes()) {
      look(value, value.version - last - 1);
      last = value.version;
      seen.conflated++;
      // A slow reader.
      for (let i = 0; i < 50; i++) await turn();
    }
  })();
  const changes: LiveChange<Config>[] = [];
  config.on('changed', (change) => {
    changes.push(change);
    seen.changes++;
  });
  return {
    seen,
    end: async (): Promise<void> => {
      state.over = true;
      config.close();
      await Promise.all([looking, reading]);
      for (const { value, previous } of changes) look(value, value.version - (previous?.version ?? 0) - 1);
    },
  };
}

/** As long as a version says, so that a torn file cannot pass for a whole one. */
const paddingOf = (version: number): string => String(version).repeat(50 + (version % 7) * 10);
const textsOf = (version: number): readonly [string, string] => [
  JSON.stringify({ version, padding: paddingOf(version) }),
  JSON.stringify({ version }),
];

/** Runs a program of plain JavaScript beside this one. */
function run(program: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=commonjs', '-e', program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  return child;
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(child, 'close');
  return text;
}

const preamble = `
  const fs = require('node:fs'), { join } = require('node:path');
  const [folder, forMs] = process.argv.slice(1);
  const paddingOf = ${paddingOf.toString()};
  const textsOf = ${textsOf.toString()};
  const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
  const until = Date.now() + Number(forMs);
`;

async function loadConfig(folder: string, signal: AbortSignal): Promise<Config> {
  const [main, other] = await readSnapshot(folder, ['main.json', 'other.json'], signal);
  const { version, padding } = JSON.parse(main!) as Config;
  return { version, padding, other: (JSON.parse(other!) as Config).version };
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await turn();
};

describe('files', () => {
  it('swapped a thousand times a second, two at a time: never a mix, never back, the last is seen', async () => {
    const folder = configFolder();
    const [main, other] = textsOf(1);
    folder.swap({ 'main.json': main, 'other.json': other });
    const config = live((signal) => loadConfig(folder.path, signal), {
      everyMs: 20,
      settleMs: 0,
      trigger: watching(folder.path),
      backoff: { baseMs: 1, maxMs: 5 },
    });
    await config.ready;
    const { seen, end } = guard(config);
    const child = run(
      `${preamble}
      let version = 1, last;
      const start = Date.now();
      while (Date.now() < until) {
        const next = join(folder, '..c' + ++version);
        fs.mkdirSync(next);
        const [main, other] = textsOf(version);
        fs.writeFileSync(join(next, 'main.json'), main);
        fs.writeFileSync(join(next, 'other.json'), other);
        fs.symlinkSync(next, join(folder, '..tmp'));
        fs.renameSync(join(folder, '..tmp'), join(folder, '..data'));
        if (last !== undefined) fs.rmSync(last, { recursive: true });
        last = next;
        const aheadMs = version - (Date.now() - start);
        if (aheadMs > 0) wait(aheadMs);
      }
      console.log(version);`,
      folder.path,
      '2000',
    );
    const version = Number(await outputOf(child));
    await until(() => config.current.version === version);
    await end();
    expect(version).toBeGreaterThan(10);
    expect(seen.changes).toBeGreaterThan(1);
    expect(seen.conflated).toBeLessThanOrEqual(seen.changes);
  });

  it('torn writes, in place: what is half written is not seen, what is whole is', async () => {
    const folder = configFolder();
    const path = folder.file('main.json');
    writeFileSync(path, textsOf(1)[0]);
    const tally = { failed: 0, rejected: 0 };
    const config = live(
      async (signal) => {
        const { version, padding } = JSON.parse(await readFile(path, { encoding: 'utf8', signal })) as Config;
        return { version, padding, other: version };
      },
      {
        everyMs: 2,
        settleMs: 3,
        trigger: watching(folder.path),
        backoff: { baseMs: 1, maxMs: 5 },
        validate: ({ version, padding }) => {
          if (padding !== paddingOf(version)) throw new Error('torn');
        },
      },
    );
    config.on('failed', () => tally.failed++);
    config.on('rejected', () => tally.rejected++);
    await config.ready;
    const { seen, end } = guard(config);
    const child = run(
      `${preamble}
      let version = 1;
      for (; Date.now() < until;) {
        const [text] = textsOf(++version);
        // The text of another version is left over behind the new one, or is missing, for a while.
        const file = fs.openSync(join(folder, 'main.json'), version % 2 ? 'w' : 'r+');
        const half = text.length / 2 | 0;
        fs.writeSync(file, text.slice(0, half));
        wait(3);
        fs.writeSync(file, text.slice(half));
        fs.ftruncateSync(file, text.length);
        fs.closeSync(file);
        wait(3);
      }
      console.log(version);`,
      folder.path,
      '1500',
    );
    const version = Number(await outputOf(child));
    await until(() => config.current.version === version);
    await end();
    expect(tally.failed + tally.rejected).toBeGreaterThan(0);
    expect(seen.version).toBe(version);
  });

  it('removed for a while: the last good value stays, it turns stale, and what comes back is taken', async () => {
    const folder = configFolder();
    const path = folder.file('main.json');
    const config = live(
      async (signal) => {
        const { version, padding } = JSON.parse(await readFile(path, { encoding: 'utf8', signal })) as Config;
        return { version, padding, other: version };
      },
      { everyMs: 5, staleMs: 50, backoff: { baseMs: 1, maxMs: 10 } },
    );
    const told: string[] = [];
    config.on('stale', ({ active }) => told.push(active ? 'stale' : 'fresh'));
    config.on('changed', ({ value }) => told.push(String(value.version)));
    const failures: unknown[] = [];
    config.on('failed', ({ error }) => failures.push((error as NodeJS.ErrnoException).code));
    // It does not exist yet, which is no reason to give up.
    await until(() => failures.length > 2);
    expect(() => config.current).toThrow('there is no value yet');
    for (let version = 1; version <= 3; version++) {
      writeFileSync(`${path}.new`, textsOf(version)[0]);
      renameSync(`${path}.new`, path);
      await until(() => told.at(-1) === String(version));
      if (version === 1) expect((await config.ready).version).toBe(1);
      rmSync(path);
      await until(() => config.stats().stale);
      expect(config.current.version).toBe(version);
    }
    config.close();
    expect(new Set(failures)).toEqual(new Set(['ENOENT']));
    expect(told.filter((each) => each !== 'stale' && each !== 'fresh')).toEqual(['1', '2', '3']);
  });
});

describe('faults of others', () => {
  // https://github.com/Kuadrant/limitador/pull/95, https://github.com/jdiazcano/cfg4k/issues/65
  it.each([
    ['by polling', false],
    ['by a watch of the folder', true],
  ])('limitador#95, cfg4k#65: a swap of the folder behind a link is seen, %s', async (_, watched) => {
    const folder = configFolder();
    folder.swap({ 'main.json': '{"version":1}' });
    const config = live((signal) => readFile(folder.file('main.json'), { encoding: 'utf8', signal }), {
      everyMs: watched ? 1e9 : 5,
      settleMs: 1,
      ...(watched && { trigger: watching(folder.path) }),
    });
    await config.ready;
    const changes = config.changes()[Symbol.asyncIterator]();
    for (let version = 2; version < 8; version++) {
      folder.swap({ 'main.json': `{"version":${String(version)}}` });
      expect(await changes.next()).toEqual({ done: false, value: `{"version":${String(version)}}` });
    }
    config.close();
  });

  // https://github.com/open-feature/flagd/issues/42
  it('flagd#42: after the file was removed and written again, the next change is seen, and the one after', async () => {
    const folder = configFolder();
    const path = folder.file('flags.json');
    writeFileSync(path, '1');
    const config = live((signal) => readFile(path, { encoding: 'utf8', signal }), {
      everyMs: 1e9,
      settleMs: 1,
      trigger: watching(folder.path),
      backoff: { baseMs: 1e9, maxMs: 1e9 }, // nothing but the trigger
    });
    await config.ready;
    for (const text of ['2', '3', '4']) {
      const failed = new Promise((resolve) => config.once('failed', resolve));
      rmSync(path);
      await failed;
      writeFileSync(path, text);
      await until(() => config.current === text);
    }
    config.close();
  });

  // https://github.com/Kuadrant/limitador/issues/523
  it('limitador#523: a file that is renamed over the old one is seen', async () => {
    const folder = configFolder();
    const path = folder.file('limits.json');
    writeFileSync(path, '1');
    const config = live((signal) => readFile(path, { encoding: 'utf8', signal }), {
      everyMs: 1e9,
      settleMs: 1,
      trigger: watching(folder.path),
    });
    await config.ready;
    writeFileSync(`${path}.tmp`, '2');
    renameSync(`${path}.tmp`, path);
    await until(() => config.current === '2');
    config.close();
  });

  it('of size and time alike: content is compared', async () => {
    const folder = configFolder();
    const path = folder.file('main.json');
    const write = (text: string): void => {
      writeFileSync(path, text);
      utimesSync(path, 1, 1);
    };
    write('a');
    const config = live((signal) => readFile(path, { signal }), { everyMs: 2 });
    const first = await config.ready;
    // Bytes of the same content are the same value.
    await sleep(20);
    expect(config.current).toBe(first);
    write('b');
    await until(() => String(config.current) === 'b');
    config.close();
  });
});
