/** What the tests of the search share: a plain search to compare with, and the command as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The folder of documents that the tests read. */
export const library = fileURLToPath(new URL('fixtures/library', import.meta.url));

const wordsOf = (text: string): string[] =>
  Array.from(
    text
      .normalize('NFKC')
      .toLowerCase()
      .matchAll(/[\p{Letter}\p{Mark}\p{Number}]+/gu),
    ([word]) => word,
  );

/** Every document that has all words of the query, with its score: BM25, written down as in the books, without an index. */
export function plainSearch(documents: ReadonlyMap<string, string>, query: string): { id: string; score: number }[] {
  const texts = new Map([...documents].map(([id, text]) => [id, wordsOf(text)]));
  const all = [...texts.values()];
  const averageLength = all.reduce((sum, words) => sum + words.length, 0) / all.length;
  const terms = [...new Set(wordsOf(query))];
  const idf = (term: string): number => {
    const having = all.filter((words) => words.includes(term)).length;
    return Math.log(1 + (all.length - having + 0.5) / (having + 0.5));
  };
  const found: { id: string; score: number }[] = [];
  for (const [id, words] of texts) {
    if (terms.length === 0 || !terms.every((term) => words.includes(term))) continue;
    let score = 0;
    for (const term of terms) {
      const tf = words.filter((word) => word === term).length;
      score += (idf(term) * (tf * 2.2)) / (tf + 1.2 * (1 - 0.75 + (0.75 * words.length) / averageLength));
    }
    found.push({ id, score });
  }
  return found.sort((a, b) => (Math.abs(a.score - b.score) > 1e-9 ? b.score - a.score : a.id < b.id ? -1 : 1));
}

/** Asks again and again until there is an answer, and gives up after a time. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  patienceMs = 90_000,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(20);
  }
}

/** The command as a process of its own. */
export class Command {
  readonly #child: ChildProcess;
  stdout = '';
  stderr = '';
  /**
   * Resolves when the process has ended and nothing holds its output any more: its leaves have inherited that, so then
   * there is no leaf left either.
   */
  readonly closed: Promise<{ readonly code: number | null; readonly signal: string | null }>;

  constructor(...args: readonly string[]) {
    const child = spawn(process.execPath, ['--import', 'tsx', 'examples/search/main.ts', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.closed = once(child, 'close').then(([code, signal]) => {
      return { code: code as number | null, signal: signal as string | null };
    });
    this.#child = child;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits until the standard output has what is looked for. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    return await eventually(`${String(pattern)} in ${this.stdout}${this.stderr}`, () => {
      if (this.#child.exitCode !== null) throw new Error(`it has ended: ${this.stdout}${this.stderr}`);
      return pattern.exec(this.stdout) ?? undefined;
    });
  }
}
