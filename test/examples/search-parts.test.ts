/** The parts of the search that are around the index: reading, flags, figures, progress, load. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readLibrary } from '../../examples/search/documents.ts';
import { parseFlags } from '../../examples/search/flags.ts';
import { checkOwn } from '../../examples/search/http.ts';
import { formatExtraAttempts, formatLeaves } from '../../examples/search/insight.ts';
import { Lifetime } from '../../examples/search/lifetime.ts';
import { runLoad } from '../../examples/search/load.ts';
import { showProgress } from '../../examples/search/progress.ts';
import { formatAnswer, formatShare, percentile, printable, summarise, table } from '../../examples/search/report.ts';
import type { Answer } from '../../examples/search/root.ts';
import { UserError } from '../../examples/search/user-error.ts';
import { library } from './search-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-search-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, content: string | Buffer): string {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
  return join(folder, path);
}

const answer: Answer = {
  query: 'bee',
  terms: ['bee'],
  hits: [{ id: 'a/README.md', score: 2 }],
  total: 1,
  coverage: 1,
  partial: false,
  missing: [],
  ms: 5,
  attempts: { originals: 3, hedges: 1, hedgesWon: 1, retries: 0 },
};

describe('documents', () => {
  test('are the Markdown and text files, or the READMEs alone, in the order of their ids', async () => {
    const { documents, skipped, truncated } = await readLibrary(library, 'texts');
    const ids = documents.map(({ id }) => id);
    expect(ids).toHaveLength(41);
    expect(ids).toEqual([...ids].sort());
    expect(ids).toContain('with space/two words (copy).md');
    expect(ids).toContain('notes.txt');
    expect([skipped, truncated]).toEqual([['empty.md'], false]);
    const readmes = (await readLibrary(library, 'readmes')).documents.map(({ id }) => id);
    expect(readmes).toHaveLength(20);
    expect(readmes.filter((id) => !/(?:^|\/)readme(?:\.md|\.markdown)?$/i.test(id))).toEqual([]);
  });

  test('are cut when huge, and passed over when binary, unreadable or a link', async () => {
    write('odd/huge.md', `first ${'word '.repeat(200_000)} last`);
    write('odd/binary.md', Buffer.from([0x61, 0, 0x62]));
    write('odd/bom.md', '\uFEFFbee');
    write('odd/empty.md', ' \n');
    mkdirSync(join(folder, 'odd/README.md/inner'), { recursive: true });
    write('odd/README.md/inner/deep.md', 'deep');
    const asRoot = process.getuid === undefined || process.getuid() === 0;
    chmodSync(write('odd/closed.md', 'closed'), asRoot ? 0o644 : 0);
    if (process.platform !== 'win32') {
      symlinkSync(join(folder, 'odd'), join(folder, 'odd/loop'));
      symlinkSync(join(folder, 'nowhere'), join(folder, 'odd/dangling.md'));
    }
    const { documents, skipped } = await readLibrary(join(folder, 'odd'), 'texts');
    const readable = ['README.md/inner/deep.md', 'bom.md', ...(asRoot ? ['closed.md'] : []), 'huge.md'];
    expect(documents.map(({ id }) => id)).toEqual(readable);
    expect(skipped).toEqual(['binary.md', ...(asRoot ? [] : ['closed.md']), 'empty.md']);
    expect(documents.find(({ id }) => id === 'huge.md')!.text.length).toBeLessThanOrEqual(256 * 1024);
    expect(documents.find(({ id }) => id === 'bom.md')!.text).toBe('bee');
  });

  test('that are not there are the user’s to put right', async () => {
    const file = write('none/empty.md', '');
    await expect(readLibrary(join(folder, 'none'), 'texts')).rejects.toThrow(/^no documents in /);
    await expect(readLibrary(file, 'texts')).rejects.toThrow(/^not a folder: /);
    await expect(readLibrary(join(folder, 'nowhere'), 'texts')).rejects.toThrow(UserError);
  });
});

describe('flags', () => {
  test.each([
    [[], { mode: 'tour', docs: undefined, query: '', port: 0 }],
    [['--docs', 'd', '--query', 'a b'], { mode: 'query', docs: 'd', query: 'a b', port: 0 }],
    [['--serve'], { mode: 'serve', docs: undefined, query: '', port: 8080 }],
    [['--serve', '--port', '0'], { mode: 'serve', docs: undefined, query: '', port: 0 }],
    [['--serve', '--port=65535'], { mode: 'serve', docs: undefined, query: '', port: 65_535 }],
  ])('%j', (args, flags) => {
    expect(parseFlags(args)).toEqual(flags);
  });

  test('help comes first', () => {
    expect(parseFlags(['--help', 'extra']).mode).toBe('help');
  });

  test('a query has a limit', () => {
    expect(parseFlags(['--query', 'x'.repeat(1_000)]).mode).toBe('query');
    expect(() => parseFlags(['--query', 'x'.repeat(1_001)])).toThrow(UserError);
  });

  test.each([
    [['--bogus']],
    [['extra']],
    [['--docs']],
    [['--docs', '']],
    [['--query', '']],
    [['--query', ' … ']],
    [['--query', 'a', '--serve']],
    [['--port', '80']],
    [['--query', 'a', '--port', '80']],
    [['--serve', '--port', 'abc']],
    [['--serve', '--port', '']],
    [['--serve', '--port', '65536']],
    [['--serve', '--port', '-1']],
    [['--serve', '--port', '1.5']],
    [['--serve=yes']],
  ])('%j is refused in one line', (args) => {
    expect(() => parseFlags(args)).toThrow(UserError);
    expect(() => parseFlags(args)).toThrow(/^[^\n]+$/);
  });
});

describe('figures', () => {
  test('a percentile is one of the values', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([0, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([1, 50, 99, 100]);
    expect(percentile([], 0.5)).toBeNaN();
  });

  test('a load is summed up', () => {
    const partial = { ...answer, coverage: 0.5, partial: true, missing: [{ shard: 's', why: 'gone' }] };
    const samples = [
      { asked: 'bee', ms: 10, answer },
      { asked: 'bee', ms: 30, answer: partial },
      { asked: 'bee', ms: 99, error: new Error('no shard answers') },
    ];
    const summary = summarise(samples, ({ partial: isPartial }) => !isPartial);
    expect(summary).toMatchObject({
      queries: 3,
      lost: 1,
      wrong: 1,
      partial: 1,
      p50: 10,
      p99: 30,
      hedges: 2,
      coverage: 0.5,
    });
    const lines = table([['load', summary]]);
    expect(lines).toHaveLength(2);
    expect(lines[0]!.length).toBe(lines[1]!.length);
  });

  test('less than all is never 100 %', () => {
    expect([formatShare(1), formatShare(0.9999), formatShare(2 / 3)]).toEqual(['100.0 %', '99.9 %', '66.6 %']);
  });

  test('an answer names its documents, and a partial one what is missing', () => {
    expect(formatAnswer(answer, 3)).toEqual(['“bee”  1 document, 5.0 ms', '    2.000  a/README.md']);
    const missing = [{ shard: 'shard-2', why: 'too late' }];
    expect(formatAnswer({ ...answer, coverage: 0.75, partial: true, missing }, 3).join('\n')).toMatch(
      /partial.*75\.0 %.*shard-2 is missing \(too late\)/,
    );
    expect(formatAnswer({ ...answer, hits: [], total: 0 }, 3)[0]).toContain('no document');
  });

  test('what is learnt of leaves is told as far as it is known', () => {
    const budget = { originals: 600, extras: 30, refused: 2, balance: 40 };
    const counts = 'budget: 600 originals, 30 extras, 40 more allowed, 2 refused so far';
    expect(formatExtraAttempts({ hedgeAfterMs: 21.34, budget })).toBe(`hedge after 21.3 ms of silence; ${counts}`);
    expect(formatExtraAttempts({ hedgeAfterMs: null, budget })).toBe(`no hedge, too little is known yet; ${counts}`);
    const member = { pending: 1, weight: 1, part: 1, answered: true, failures: 0.25, failedInRow: 0, ejectedForMs: 0 };
    const members = [
      { ...member, id: 's/a', latencyMs: 300, ejected: 'consecutive' as const },
      { ...member, id: 's/b', latencyMs: undefined, ejected: undefined },
    ];
    expect(formatLeaves([{ members, healthy: 1, panic: false }]).map((line) => line.split(/\s{2,}/))).toEqual([
      ['leaf', 'latency', 'in flight', 'recent failures', 'ejected'],
      ['s/a', '300 ms', '1', '0.3', 'consecutive'],
      ['s/b', 'unknown', '1', '0.3', 'no'],
    ]);
  });

  test('a file name cannot give orders to the terminal', () => {
    expect(printable('a\u001b[2J\r\nb\u202Ec é日')).toBe('a\uFFFD[2J\uFFFD\uFFFDb\uFFFDc é日');
  });
});

describe('progress', () => {
  const shown = (output: object): string => {
    let text = '';
    const progress = showProgress({ ...output, write: (part: string) => (text += part) }, 'indexing', 40);
    for (let done = 0; done <= 40; done++) progress.update(done);
    progress.end();
    progress.end();
    return text;
  };

  test('is a few plain lines without a terminal', () => {
    const lines = shown({}).split('\n');
    expect(lines.map((line) => line.trimEnd())).toEqual([
      'indexing  20 %  8 of 40',
      'indexing  40 %  16 of 40',
      'indexing  60 %  24 of 40',
      'indexing  80 %  32 of 40',
      'indexing 100 %  40 of 40',
      '',
    ]);
  });

  test.each([
    [{ columns: 60 }, 60],
    [{ columns: 20 }, 20],
    [{ columns: 0 }, 80],
    [{}, 80],
  ])('is one line on a terminal: %j', (size, width) => {
    const text = shown({ isTTY: true, ...size });
    expect(text.endsWith('\u001b[K\n')).toBe(true);
    const drawn = text
      .trimEnd()
      .split('\r')
      .map((line) => line.replace('\u001b[K', ''));
    const whole = `indexing [${'#'.repeat(30)}] 100 %  40 of 40`;
    expect(drawn.at(-1)).toBe(whole.slice(0, width - 1));
    expect(drawn.filter((line) => line.length >= width)).toEqual([]);
  });
});

describe('a line beside the progress', () => {
  const noted = (output: object): string => {
    let text = '';
    const progress = showProgress({ ...output, write: (part: string) => (text += part) }, 'indexing', 2);
    progress.note('first');
    progress.update(1);
    progress.note('second');
    progress.end();
    progress.note('third');
    return text;
  };

  test('is a line among lines', () => {
    expect(noted({})).toBe('first\nindexing  50 %  1 of 2\nsecond\nthird\n');
  });

  test('is above the bar on a terminal', () => {
    const bar = `indexing [${'#'.repeat(15)}${'-'.repeat(15)}]  50 %  1 of 2`;
    expect(noted({ isTTY: true })).toBe(`first\n\r${bar}\u001b[K\rsecond\u001b[K\n${bar}\u001b[K\nthird\n`);
  });
});

describe('a load', () => {
  const options = { perSecond: 1_000, signal: new AbortController().signal };

  test('asks in turn and keeps failures', async () => {
    const samples = await runLoad(
      (query) => (query === 'b' ? Promise.reject(new Error('no')) : Promise.resolve(answer)),
      ['a', 'b'],
      { ...options, count: 5 },
    );
    expect(samples.map(({ asked }) => asked).join('')).toBe('ababa');
    expect(samples.filter(({ error }) => error !== undefined)).toHaveLength(2);
  });

  test('goes on until something has come, but not for ever', async () => {
    const never = new Promise<never>(() => undefined);
    const ask = (): Promise<Answer> => Promise.resolve(answer);
    expect(await runLoad(ask, ['a'], { ...options, count: 2, until: never, atMost: 7 })).toHaveLength(7);
    const failed = Promise.reject(new Error('did not come'));
    expect((await runLoad(ask, ['a'], { ...options, count: 2, until: failed, atMost: 900 })).length).toBeLessThan(900);
  });
});

test('what was begun is undone once, the newest first, and nothing is begun after that', async () => {
  const lifetime = new Lifetime();
  const undone: number[] = [];
  lifetime.defer(() => undone.push(1));
  lifetime.defer(() => undone.push(2));
  await Promise.all([lifetime.end(), lifetime.end()]);
  expect(undone).toEqual([2, 1]);
  expect(lifetime.signal.aborted).toBe(true);
  expect(() => {
    lifetime.defer(() => undefined);
  }).toThrow('the end has begun');
});

describe('a server on loopback', () => {
  const request = (host: string | undefined, method: string, type?: string): IncomingMessage =>
    ({ method, headers: { host, 'content-type': type } }) as unknown as IncomingMessage;

  test.each(['127.0.0.1:80', 'localhost:5', '[::1]:9', 'LOCALHOST'])('answers to the name %s', (host) => {
    checkOwn(request(host, 'GET'));
    checkOwn(request(host, 'POST', 'application/json'));
  });

  test('refuses other names and bodies that another site’s page may send', () => {
    for (const host of [undefined, 'evil.example', '127.0.0.1.evil.example', 'localhost@evil.example'])
      expect(() => {
        checkOwn(request(host, 'GET'));
      }).toThrow('loopback');
    for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded'])
      expect(() => {
        checkOwn(request('localhost', 'POST', type));
      }).toThrow('JSON');
  });
});
