/** The stores that the guide writes pass the suites, and each mistake that it warns of is found by the test that it names. */
import { leaseStoreSuite, queueStoreSuite, VirtualClock } from 'holdfast/testing';
import { afterAll, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/index.ts';
import type { LeaseStore } from '../../src/election/index.ts';
import type { QueueStore } from '../../src/queue/index.ts';
import { GuideCode } from './guide-code.ts';

const guide = new GuideCode('docs/guides/writing-a-store.md');
afterAll(() => guide.close());

/** What the guide says of mistakes, under a heading: the mistake, and the test that finds it. */
function warningsBelow(heading: string): ReadonlyMap<string, string> {
  const section = guide.text.split(`### ${heading}\n`)[1]?.split(/\n##/)[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return new Map(
    rows.slice(2).map((row) => {
      const cells = row.split('|').map((cell) => cell.trim());
      return [cells[1]!, cells[3]!];
    }),
  );
}

/** A mistake in a text of code: these parts of it in place of those. */
type Mistake = readonly (readonly [part: string, instead: string])[];

function withMistake(code: string, mistake: Mistake): string {
  return mistake.reduce((text, [part, instead]) => {
    expect(text.split(part), `the code has once: ${part}`).toHaveLength(2);
    return text.replace(part, () => instead);
  }, code);
}

interface Tools {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** The names of the tests that fail. */
async function failing(declare: (tools: Tools) => void): Promise<string[]> {
  const tests: [name: string, body: () => Promise<void>][] = [];
  declare({ describe: (_, body) => body(), it: (name, body) => tests.push([name, body]) });
  const failed: string[] = [];
  for (const [name, body] of tests) await body().catch(() => failed.push(name));
  return failed;
}

interface LeaseModule {
  readonly MapEngine: new () => { readonly entries: Map<string, unknown> };
  readonly KeyValueLeaseStore: new (engine: unknown, clock: Clock) => LeaseStore;
}

function leaseSuite({ MapEngine, KeyValueLeaseStore }: LeaseModule, tools: Tools): void {
  const clock = new VirtualClock();
  const engine = new MapEngine();
  leaseStoreSuite(() => new KeyValueLeaseStore(engine, clock), tools, {
    waitMs: (ms) => clock.advance(ms),
    remove: (key) => engine.entries.delete(key),
    wipe: () => engine.entries.clear(),
  });
}

interface QueueModule {
  readonly JobsTable: new (clock: Clock) => unknown;
  readonly TableQueueStore: new (table: unknown) => QueueStore<unknown>;
}

function queueSuite({ JobsTable, TableQueueStore }: QueueModule, tools: Tools): void {
  const clock = new VirtualClock();
  const tables = new Map<string, unknown>();
  queueStoreSuite(
    (name) => {
      const table = tables.get(name) ?? new JobsTable(clock);
      tables.set(name, table);
      return new TableQueueStore(table);
    },
    tools,
    { waitMs: (ms) => clock.advance(ms), lateMs: 500 },
  );
}

const leaseCode = guide.codeOf('KeyValueLeaseStore');
const queueCode = guide.codeOf('TableQueueStore');

describe('the lease store of the guide', async () => {
  leaseSuite(await guide.load<LeaseModule>(leaseCode), { describe, it });
});

describe('the queue store of the guide', async () => {
  queueSuite(await guide.load<QueueModule>(queueCode), { describe, it });
});

const leaseMistakes: Readonly<Record<string, Mistake>> = {
  'writes without a condition': [['if ((this.entries.get(key)?.revision ?? 0) !== revision) return undefined;', '']],
  'counts tokens from 1': [['this.#clock.wallNow()', '1']],
  'deletes the record with the lease': [['last?.token ?? 0n', 'last?.holder ? last.token : 0n']],
  'keeps the token when another takes over': [['last + 1n', 'last']],
  'ends leases by its own clock': [
    [
      'last.version !== expectDead',
      'last.version !== expectDead && this.#clock.wallNow() < Number(last.token) + last.ttlMs',
    ],
  ],
  'takes whatever a candidate calls dead': [['last.version !== expectDead', 'expectDead === undefined']],
  'has a version that renewals keep': [['version: String(revision)', 'version: lease.token']],
  'knows holders by their name': [['last.nonce === nonce) {', 'last.holder === holder) {']],
  'denies a candidacy its own lease': [['last.nonce === nonce) {', 'false) {']],
  'renews by the nonce only': [['last.nonce === nonce && last.token === token', 'last.nonce === nonce']],
  'renews what was released': [['last.holder !== null && last.nonce === nonce &&', 'last.nonce === nonce &&']],
  'leaves out the renewals that failed': [
    [
      'Promise.all(held.map(renewOne))',
      'Promise.all(held.map(renewOne)).then((all) => all.filter((one) => one !== null))',
    ],
  ],
  'forgets data that a renewal does not name': [['data: patch.data ?? last.data', 'data: patch.data']],
  'takes empty data for none': [['patch.data ?? last.data', 'patch.data || last.data']],
  'does not look at the signal': [
    ['      signal.throwIfAborted();\n      const entry', '      const entry'],
    ['    signal.throwIfAborted();\n    return this.entries', '    return this.entries'],
    ['    signal.throwIfAborted();\n    if', '    if'],
  ],
};

const queueMistakes: Readonly<Record<string, Mistake>> = {
  'looks, and then takes': [
    ['pull(max: number', 'async pull(max: number'],
    [
      'return this.#table.transaction((rows, nowMs) => {\n      for',
      "const seen = await this.#table.transaction((rows) => among(rows, 'waiting'));\n" +
        'return this.#table.transaction((rows, nowMs) => {\n      for',
    ],
    ["const next = among(rows, 'waiting').sort", 'const next = seen.sort'],
  ],
  'settles by the id': [["row?.state !== 'leased' || row.fence !== fence", "row?.state !== 'leased'"]],
  'lets a lease end when somebody comes': [
    ["row.state === 'leased' && isOver", "pulling && row.state === 'leased' && isOver"],
    ['nowMs: number) => T): Promise<T>', 'nowMs: number) => T, pulling = false): Promise<T>'],
    ['crashes, expiresInMs };\n      });\n    });', 'crashes, expiresInMs };\n      });\n    }, true);'],
  ],
  'charges no crash for a lease that ran out': [['crashes: row.crashes + 1', 'crashes: row.crashes']],
  'charges an attempt for a release': [["if (outcome.kind === 'release') row.attempt--;", '']],
  'begins fences anew after death': [
    ['attempt: 0, crashes: 0, expiresAtMs: Infinity', 'attempt: 0, crashes: 0, fence: 0n, expiresAtMs: Infinity'],
  ],
  'puts the dead back with their attempts spent': [['const fresh = { attempt: 0, crashes: 0,', 'const fresh = {']],
  'puts the dead back past their deadline': [['crashes: 0, expiresAtMs: Infinity }', 'crashes: 0 }']],
  'overwrites a job of the same id': [
    ["if (twin !== undefined) return { status: 'duplicate', id, expiresInMs: twin.expiresAtMs - nowMs };", ''],
  ],
  'knows only living ids': [
    ["if (twin?.state === 'dead') return { status: 'duplicate', id, dead: twin.error };", ''],
    ['if (twin !== undefined)', "if (twin !== undefined && twin.state !== 'dead')"],
  ],
  'does not tell that an id is dead': [[', dead: twin.error }', ' }']],
  'gives the delayed a room of their own': [
    ["among(rows, 'waiting', 'delayed').length", "among(rows, 'waiting').length"],
  ],
  'refuses a batch as a whole': [
    [
      'outcomes.map((outcome) =>\n        this.#ifHeld',
      'outcomes.every(({ id, fence }) => rows.get(id)?.fence === fence) ? outcomes.map((outcome) =>\n        this.#ifHeld',
    ],
    [
      'else rows.delete(row.id);\n        }),\n      )',
      'else rows.delete(row.id);\n        }),\n      ) : outcomes.map(() => false)',
    ],
  ],
  'cancels what somebody holds': [
    [
      "(state === 'waiting' || state === 'delayed') && rows.delete(id)",
      "state !== undefined && state !== 'dead' && rows.delete(id)",
    ],
  ],
  'runs what is too late': [
    ['if (row.expiresAtMs <= nowMs) this.#bury', 'if (row.expiresAtMs < 0) this.#bury'],
    ['expiresAtMs === Infinity ? undefined : expiresAtMs - nowMs', 'undefined'],
  ],
  'gives back a text for the data': [
    [
      'const body = JSON.stringify({ data, settings });',
      'const body = JSON.stringify({ data: String(data), settings });',
    ],
  ],
  'wakes who has gone': [
    [
      'const end = (): void => void (this.#table.listeners.delete(listener), this.#ends.delete(end));',
      'const end = (): void => void this.#ends.delete(end);',
    ],
  ],
};

describe.each([
  [
    'Mistakes of lease stores',
    leaseMistakes,
    leaseCode,
    async (code: string) => {
      const module = await guide.load<LeaseModule>(code);
      return failing((tools) => leaseSuite(module, tools));
    },
  ],
  [
    'Mistakes of queue stores',
    queueMistakes,
    queueCode,
    async (code: string) => {
      const module = await guide.load<QueueModule>(code);
      return failing((tools) => queueSuite(module, tools));
    },
  ],
] as const)('%s', (heading, mistakes, code, failingOf) => {
  const warnings = warningsBelow(heading);

  it('are those that the guide warns of', () => {
    expect(Object.keys(mistakes)).toEqual([...warnings.keys()]);
  });

  it.each(Object.entries(mistakes))('%s', async (name, mistake) => {
    const failed = await failingOf(withMistake(code, mistake));
    expect(failed, 'tests that fail only when nothing works').not.toContain('says what it can do');
    expect(failed.map((law) => `\`${law}\``)).toContain(warnings.get(name));
  });
});
