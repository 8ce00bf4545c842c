/** SIGTERM in a real process, with 64 jobs in flight: everything that was accepted is in the report, and nothing is lost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CloseReport } from '../../../src/queue/index.ts';
import type { StoreKind } from './store-of.ts';

interface Told {
  readonly ran?: string;
  readonly attempt?: number;
  readonly crashes?: number;
  readonly done?: string;
  readonly files?: number;
  readonly report?: CloseReport;
}

/** What a service has told until its end. */
class Service {
  readonly told: Told[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #ready: Promise<void>;

  constructor(kind: StoreKind, folder: string, jobs: readonly string[], options: object) {
    const file = join(import.meta.dirname, 'service-process.ts');
    const args = ['--import', 'tsx', file, kind, folder, JSON.stringify(jobs), JSON.stringify(options)];
    this.#child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(this.#child);
    this.#ended = Promise.all([once(this.#child, 'exit'), once(this.#child.stdout!, 'close')]);
    this.#ready = new Promise((resolve, reject) => {
      createInterface({ input: this.#child.stdout! }).on('line', (line) => {
        const told = JSON.parse(line) as Told;
        this.told.push(told);
        if (told.files !== undefined) resolve();
      });
      this.#child.once('exit', (code) => {
        reject(new Error(`it has ended too early: ${String(code)}`));
      });
    });
  }

  async terminated(): Promise<CloseReport> {
    await this.#ready;
    this.#child.kill('SIGTERM');
    await this.#ended;
    expect([this.#child.exitCode, this.#child.signalCode]).toEqual([0, null]);
    return this.told.at(-1)!.report!;
  }

  get ran(): readonly Told[] {
    return this.told.filter(({ ran }) => ran !== undefined);
  }

  get done(): readonly string[] {
    return this.told.map(({ done }) => done).filter((done) => done !== undefined);
  }
}

const children: ChildProcess[] = [];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-sigterm-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const named = (how: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${how} ${String(i)}`);
// The first 64 are in flight; none of the others is started any more.
const inFlight = [...named('quick', 40), ...named('stubborn', 20), ...named('deaf', 4)];
const jobs = [...inFlight, ...named('now', 36)];

describe.each(['memory', 'journal'] as const)('with a %s store', (kind) => {
  it('what can end does, what does not is given back, what waits is left, and the process ends by itself', async () => {
    const service = new Service(kind, folder, jobs, { graceMs: 2_000, abortMs: 500 });
    const report = await service.terminated();
    expect(report).toEqual({
      accepted: 100,
      done: 40,
      dead: 0,
      cancelled: 0,
      released: 24,
      waiting: 36,
      abandoned: 4,
    });
    expect(service.ran).toHaveLength(64);
    expect([...service.done].sort()).toEqual(named('quick', 40).sort());
    if (kind === 'memory') return;

    // What was not done is there at the next start, as if it had not been started.
    const next = new Service(kind, folder, [], { graceMs: 0, abortMs: 500 });
    await expect.poll(() => next.ran.length, { timeout: 30_000 }).toBe(60);
    await next.terminated();
    const left = jobs.filter((name) => !service.done.includes(name));
    expect(next.ran.map(({ ran }) => ran).sort()).toEqual(left.sort());
    for (const { attempt, crashes } of next.ran) expect([attempt, crashes]).toEqual([1, 0]);
  });

  it('with drain, all that was accepted is done', async () => {
    const names = [...named('quick', 64), ...named('now', 36)];
    const service = new Service(kind, folder, names, { graceMs: 30_000, drain: true });
    expect(await service.terminated()).toEqual({
      accepted: 100,
      done: 100,
      dead: 0,
      cancelled: 0,
      released: 0,
      waiting: 0,
      abandoned: 0,
    });
    expect([...service.done].sort()).toEqual(names.sort());
    if (kind === 'memory') return;
    const next = new Service(kind, folder, [], { graceMs: 0 });
    expect(await next.terminated()).toMatchObject({ accepted: 0, waiting: 0 });
    expect(next.ran).toEqual([]);
  });
});
