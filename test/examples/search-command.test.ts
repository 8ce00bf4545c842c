/** The command from end to end: real processes, real HTTP, real signals. */
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BalancerStats } from 'holdfast/balancing';
import { Rendezvous } from 'holdfast/hashing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLibrary } from '../../examples/search/documents.ts';
import type { LeafStatus } from '../../examples/search/cluster.ts';
import type { ExtraAttemptsStatus } from '../../examples/search/extra-attempts.ts';
import type { IntakeStatus } from '../../examples/search/intake.ts';
import type { IndexerStatus } from '../../examples/search/indexer-status.ts';
import type { Opened } from '../../examples/search/reader.ts';
import type { Answer } from '../../examples/search/root.ts';
import { counted } from '../support/ledger.ts';
import { Command, eventually, library, plainSearch } from './search-support.ts';

const windows = process.platform === 'win32';
const queries = ['bee', 'time patience', 'thousand years', 'Größe MASS', 'größe maß', 'café', '日本語', 'constructor'];
queries.push(
  'fullwidth letters',
  'twins',
  'alike score down',
  'water water',
  'tostring',
  'no such words',
  'carries weight',
);

const texts = new Map<string, string>();
beforeAll(async () => {
  for (const { id } of (await readLibrary(library, 'texts')).documents)
    texts.set(id, readFileSync(join(library, id), 'utf8'));
});

/** What `/status` answers. */
interface Status {
  readonly analyser: IntakeStatus;
  readonly indexers: readonly IndexerStatus[];
  readonly leaves: readonly LeafStatus[];
  readonly balancers: readonly (BalancerStats & { readonly shard: string })[];
  readonly extraAttempts: { readonly searches: ExtraAttemptsStatus; readonly reads: ExtraAttemptsStatus };
  readonly hot: readonly { readonly id: string; readonly shards: readonly string[] }[];
}

/** The address at which a command serves. */
const addressOf = async (command: Command): Promise<string> => (await command.prints(/http:\/\/127\.0\.0\.1:\d+\//))[0];

describe('a search that is served', { timeout: 120_000 }, () => {
  let command: Command;
  let root: string;
  beforeAll(async () => {
    command = new Command('--docs', library, '--serve', '--port', '0');
    root = await addressOf(command);
  }, 120_000);
  afterAll(async () => {
    command.kill('SIGKILL');
    await command.closed;
  });

  /** On a machine that is busy with other things an answer, or a part of it, may come too late: then once more. */
  const ask = async (query: string, k = 100): Promise<Answer> => {
    const address = `${root}search?${new URLSearchParams({ q: query, k: String(k) }).toString()}`;
    return await eventually(`an answer to ${query} in time`, async () => {
      const response = await fetch(address);
      const body = (await response.json()) as Answer | { readonly error: string };
      if ('error' in body) expect(body.error).toMatch(/too late/);
      else if (!body.missing.some(({ why }) => why === 'too late')) return body;
      return undefined;
    });
  };
  /** The answer has to be of all shards. */
  const askAll = async (query: string): Promise<Answer> => {
    const answer = await ask(query);
    expectRight(answer);
    expect(answer.missing).toEqual([]);
    return answer;
  };
  /** Opens a document; again when a leaf was too slow. */
  const open = async (id: string): Promise<Opened> =>
    await eventually(`${id} in time`, async () => {
      const response = await fetch(`${root}document?${new URLSearchParams({ id }).toString()}`);
      expect([200, 503]).toContain(response.status);
      const body = await response.json();
      return response.ok ? (body as Opened) : undefined;
    });
  const statusNow = async (): Promise<Status> => (await (await fetch(`${root}status`)).json()) as Status;
  const leaves = async (): Promise<readonly LeafStatus[]> => (await statusNow()).leaves;
  const allServe = (): Promise<readonly LeafStatus[]> =>
    eventually('all leaves serve', async () => {
      const all = await leaves();
      return all.every(({ state }) => state === 'serving') ? all : undefined;
    });

  /** The answer is what a plain search finds, among the documents of the shards that are not missing. */
  const expectRight = (answer: Answer): void => {
    const placement = new Rendezvous(['shard-1', 'shard-2', 'shard-3']);
    const missing = answer.missing.map(({ shard }) => shard);
    const expected = plainSearch(texts, answer.query).filter(({ id }) => !missing.includes(placement.get(id)!.id));
    expect(answer.total).toBe(expected.length);
    expect(answer.hits.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    for (const [i, { score }] of answer.hits.entries()) expect(score).toBeCloseTo(expected[i]!.score, 9);
    expect(answer.coverage).toBeCloseTo((3 - missing.length) / 3, 9);
    expect(answer.partial).toBe(missing.length > 0);
  };

  test('finds what a plain search of the same documents finds', async () => {
    const answers: Answer[] = [];
    for (const query of queries) answers.push(await askAll(query));
    expect(answers.filter(({ total }) => total > 0).length).toBeGreaterThan(10);
    const { hits } = await askAll('patience');
    expect(hits.length).toBeGreaterThan(2);
    expect((await ask('patience', 2)).hits).toEqual(hits.slice(0, 2));
  });

  test('runs two processes for each of three shards', async () => {
    const all = await allServe();
    expect(all.map(({ shard }) => shard)).toEqual(['shard-1', 'shard-1', 'shard-2', 'shard-2', 'shard-3', 'shard-3']);
    expect(new Set(all.map(({ pid }) => pid)).size).toBe(6);
  });

  test('has a page, and refuses what makes no sense', async () => {
    const page = await fetch(root);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toMatch(/<input[^>]*type="search"/);
    const status = async (path: string, method = 'GET'): Promise<number> => {
      const response = await fetch(root + path, { method });
      expect((await response.json()) as object).toHaveProperty('error');
      return response.status;
    };
    expect(await status('search')).toBe(400);
    expect(await status('search?q=%20')).toBe(400);
    expect(await status(`search?q=${'x'.repeat(1_001)}`)).toBe(400);
    expect(await status('search?q=bee&k=0')).toBe(400);
    expect(await status('search?q=bee&k=ten')).toBe(400);
    expect(await status('nowhere')).toBe(404);
    expect(await status('search?q=bee', 'POST')).toBe(405);
    expect(await status('document')).toBe(400);
    expect(await status('document?id=')).toBe(400);
    expect(await status(`document?id=${'x'.repeat(4_097)}`)).toBe(400);
    expect(await status('document?id=nowhere')).toBe(404);
    expect(await status('document?id=__proto__')).toBe(404);
    expect(await status(`document?id=${encodeURIComponent('../library/notes.txt')}`)).toBe(404);
    expect(await status('document?id=notes.txt', 'PUT')).toBe(405);
  });

  test('opens each document, on the shard on which it is', async () => {
    const placement = new Rendezvous(['shard-1', 'shard-2', 'shard-3']);
    for (const { id } of (await readLibrary(library, 'texts')).documents) {
      const { text, shard, leaf, source } = await open(id);
      expect(text).toBe(texts.get(id));
      expect([shard, source]).toEqual([placement.get(id)!.id, 'own']);
      expect(leaf.startsWith(`${shard}/`)).toBe(true);
    }
  });

  test('spreads a document that is hot, and finds it once all the same, until it has cooled', async () => {
    const id = 'notes.txt';
    const from = new Set<string>();
    await eventually('the document is read from another shard', async () => {
      const opened = await Promise.all(Array.from({ length: 40 }, () => open(id)));
      for (const { text, shard } of opened) {
        expect(text).toBe(texts.get(id));
        from.add(shard);
      }
      return from.size > 1 ? true : undefined;
    });
    await command.prints(/“notes\.txt” is hot: \d+ reads a second, from 1 shard to [23]\n/);
    const [words] = /\p{L}{4,}/u.exec(texts.get(id)!)!;
    expect((await askAll(words)).hits.filter((hit) => hit.id === id)).toHaveLength(1);
    for (const query of queries) await askAll(query);
    await eventually('it has cooled', async () => ((await statusNow()).hot.length === 0 ? true : undefined));
    await command.prints(/“notes\.txt” has cooled: \d+ reads a second, from 2 shards to 1\n[^]* is dropped\n/);
    expect((await open(id)).source).toBe('own');
  });

  test('says what it has learnt of its leaves', async () => {
    const { balancers, extraAttempts } = await statusNow();
    expect(balancers.map(({ shard, members }) => [shard, ...members.map(({ id }) => id)])).toEqual(
      ['shard-1', 'shard-2', 'shard-3'].map((shard) => [shard, `${shard}/a`, `${shard}/b`]),
    );
    for (const { latencyMs } of balancers.flatMap(({ members }) => members)) expect(latencyMs).toBeGreaterThan(0);
    expect(extraAttempts.searches.hedgeAfterMs).toBeGreaterThanOrEqual(10);
    for (const { budget } of Object.values(extraAttempts)) {
      expect(budget.originals).toBeGreaterThan(0);
      expect(budget.extras).toBeLessThanOrEqual(0.1 * budget.originals + 10);
    }
  });

  test.skipIf(windows)('does not wait for a leaf that hangs', async () => {
    const hanging = (await allServe())[0]!;
    process.kill(hanging.pid!, 'SIGSTOP');
    try {
      const hedged = await eventually('a hedge that won', async () => {
        // Several at once, for alone each goes to the leaf that is known to answer.
        const answers = await Promise.all(Array.from({ length: 8 }, () => askAll('bee')));
        return answers.find(({ attempts }) => attempts.hedgesWon > 0);
      });
      expect(hedged.ms).toBeLessThan(1_000);
    } finally {
      process.kill(hanging.pid!, 'SIGCONT');
    }
  });

  test('loses no answer with a leaf, and has it back', async () => {
    // The leaf that hung may have used up the extra attempts of these seconds, and without one an answer is partial.
    await eventually('there are extra attempts to be had', async () =>
      (await statusNow()).extraAttempts.searches.budget.balance >= 3 ? true : undefined,
    );
    const victim = (await allServe())[3]!;
    process.kill(victim.pid!, 'SIGKILL');
    counted('killed');
    let asked = 0;
    await eventually('the leaf is back', async () => {
      await askAll(queries[asked++ % queries.length]!);
      const now = (await leaves()).find(({ id }) => id === victim.id)!;
      return now.state === 'serving' && now.pid !== victim.pid ? now : undefined;
    });
    await command.prints(new RegExp(`${victim.id} .*is gone: [^]*${victim.id} is back`));
  });

  test('without a shard, answers in part and says so, until the shard is back', async () => {
    const victims = (await allServe()).filter(({ shard }) => shard === 'shard-2');
    for (const { pid } of victims) process.kill(pid!, 'SIGKILL');
    counted('killed', victims.length);
    const partial = await eventually('a partial answer', async () => {
      const answer = await ask('time');
      expectRight(answer);
      return answer.missing.some(({ why }) => why === 'none of its leaves serves') ? answer : undefined;
    });
    expect(partial.missing.map(({ shard }) => shard)).toEqual(['shard-2']);
    await eventually('a complete answer', async () => {
      const answer = await ask('time');
      expectRight(answer);
      return answer.partial ? undefined : answer;
    });
  });

  test('elects another indexer when the one that leads is killed, and that fills the leaves', async () => {
    await allServe();
    const leader = (): Promise<IndexerStatus> =>
      eventually('an indexer leads', async () => (await statusNow()).indexers.find(({ leads }) => leads));
    const before = await leader();
    process.kill(before.pid!, 'SIGKILL');
    counted('killed');
    const victim = (await leaves())[0]!;
    process.kill(victim.pid!, 'SIGKILL');
    counted('killed');
    await eventually('the leaf is back', async () => {
      const now = (await leaves()).find(({ id }) => id === victim.id)!;
      return now.state === 'serving' && now.pid !== victim.pid ? now : undefined;
    });
    const after = await leader();
    expect(after.pid).not.toBe(before.pid);
    expect(BigInt(after.token)).toBeGreaterThan(BigInt(before.token));
    await askAll('bee');
    expect((await statusNow()).indexers.map(({ id }) => id)).toEqual(['indexer-1', 'indexer-2']);
  });

  test('ends at an interrupt and leaves no process behind', async () => {
    await allServe();
    const { analyser, indexers, leaves: all } = await statusNow();
    const pids = [analyser, ...indexers, ...all].flatMap(({ pid }) => pid ?? []);
    expect(pids).toHaveLength(9);
    command.kill('SIGINT');
    const { code } = await command.closed;
    // Where there are no signals the process is ended from outside.
    if (!windows) expect(code).toBe(130);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(command.stderr).toBe('');
  });
});

describe('the end', { timeout: 120_000 }, () => {
  test('of the command is that of its leaves, even when it cannot say so', async () => {
    const command = new Command('--docs', library, '--serve', '--port', '0');
    await addressOf(command);
    command.kill('SIGKILL');
    await command.closed;
  });

  test.skipIf(windows)('may come while the leaves are starting', async () => {
    const command = new Command('--docs', library);
    await command.prints(/documents in/);
    command.kill('SIGTERM');
    expect((await command.closed).code).toBe(143);
    expect(command.stderr).toBe('');
  });
});

test.skipIf(windows)('the tour loses the analyser and two leaders, and no document', { timeout: 240_000 }, async () => {
  const command = new Command('--docs', library);
  const { code } = await command.closed;
  expect(command.stderr).toBe('');
  const story = command.stdout.slice(0, command.stdout.indexOf('1. All is well'));
  const state = '(\\d+) of 41 documents are indexed\n';
  const told = (what: string) => [...story.matchAll(new RegExp(`(indexer-\\d) ${what}: ${state}`, 'g'))];
  const leaders = told('\\(process (\\d+)\\) leads.*, token (\\d+)').map(
    ({ index, 1: id, 2: pid, 3: token, 4: at }) => {
      return { index, id, pid, token: BigInt(token!), at: Number(at) };
    },
  );
  // On a machine that is busy with other things one may lose its term by itself, and there are more than three.
  const tokens = leaders.map(({ token }) => token);
  expect(
    tokens.every((token, i) => i === 0 || token > tokens[i - 1]!),
    story,
  ).toBe(true);
  const [stood, stoodToo] = told('stands still.*');
  const [killed] = told('gets SIGKILL');
  const leaderThen = (event: { readonly index: number; readonly 1?: string } | undefined) => {
    const leader = leaders.findLast(({ index }) => index < event!.index);
    expect(leader?.id, story).toBe(event![1]);
    return leader!;
  };
  const [first, second] = [leaderThen(stood), leaderThen(stoodToo)];
  const third = leaders.find(({ index }) => index > killed!.index)!;
  expect(killed![1]).toBe(second.id);
  expect(first.token < second.token && second.token < third.token, story).toBe(true);
  expect(second.pid).not.toBe(third.pid);
  const late = new RegExp(`${first.id!} goes on, token ${String(first.token)}: shard.* is of the past: (\\d+) `);
  expect(tokens.slice(1).map(String), story).toContain(late.exec(story)?.[1]);
  // In the middle, the second before its first write; and the successors go on where the ones before were lost.
  expect(leaders[0]!.at).toBe(0);
  expect(Number(stood![2])).toBeGreaterThanOrEqual(10);
  expect(Number(stood![2])).toBeLessThan(41);
  for (const at of [second.at, Number(killed![2]), third.at]) expect(at).toBe(Number(stood![2]));
  expect(story).toMatch(/indexing 100 % {2}41 of 41\n/);
  // Before that the analyser was lost, half-way; its journal was not.
  expect(story).toMatch(
    /stands still: \d+ documents? accepted, 21 analysed\nthe analyser gets SIGKILL\n[^]* is gone: SIGKILL\n[^]* is started, .* after: [^]*analysing 100 % {2}41 of 41\n[^]*indexer-\d/,
  );
  expect(command.stdout).toMatch(/ 41 documents accepted: 0 missing, 0 unknown, 0 wrong; \d+ analysed again\n/);
  expect(command.stdout).toMatch(/ threads, one number after the other: 0 [1-4 ]*0 [1-4]/);
  // On a machine that is busy with other things an answer may come too late, and then the tour says so; none may be wrong.
  const [, lost] = / (\d+) lost, 0 wrong, /.exec(command.stdout)!;
  expect(code, command.stdout).toBe(lost === '0' ? 0 : 1);
  if (lost !== '0') expect(command.stdout).toMatch(/ NOT answered[^]*(too late|timeout)/);
});

test('--query prints the answer, and the progress beside it', { timeout: 120_000 }, async () => {
  const command = new Command('--docs', library, '--query', 'twins alike');
  expect(await command.closed).toEqual({ code: 0, signal: null });
  const [first, ...hits] = command.stdout.trimEnd().split('\n');
  expect(first).toMatch(/^“twins alike” {2}2 documents, [\d.]+ ms$/);
  const plain = plainSearch(texts, 'twins alike');
  expect(hits.map((line) => line.trim())).toEqual(plain.map(({ id, score }) => `${score.toFixed(3)}  ${id}`));
  expect(command.stderr).toMatch(/^41 documents in .*\n(.*\n)*indexing 100 % {2}41 of 41\n/);
});

describe('bad input ends with one line and exit code 2', { timeout: 120_000 }, () => {
  const refused = async (...args: string[]): Promise<string> => {
    const command = new Command(...args);
    expect((await command.closed).code).toBe(2);
    expect(command.stdout).toBe('');
    expect(command.stderr).toMatch(/^[^\n]+\n$/);
    return command.stderr;
  };

  test('a folder that does not exist', async () => {
    expect(await refused('--docs', join(library, 'nowhere'))).toContain('no such folder');
  });

  test('a folder without documents', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'holdfast-search-'));
    expect(await refused('--docs', empty)).toContain('no documents');
    rmSync(empty, { recursive: true });
  });

  test('a port in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await refused('--docs', library, '--serve', '--port', String(port))).toContain(
      `port ${String(port)} is in use`,
    );
    server.close();
  });

  test('an unknown flag', async () => {
    expect(await refused('--bogus')).toContain('--bogus');
  });

  test('nothing to search for', async () => {
    expect(await refused('--query', '')).toContain('at least one word');
  });
});
