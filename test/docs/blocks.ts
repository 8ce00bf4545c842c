/** The code blocks of a Markdown file or of a source file's doc comments. */

export interface Block {
  readonly file: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly code: string;
  /** What it takes to run it, where that is more than this package in this process. */
  readonly needs?: readonly Need[];
  /** The name under which the next block finds it beside itself. */
  readonly savedAs?: string;
}

/**
 * `process`: one of its own, which `alone.test.ts` has for all; `peers`: the packages of `bench/`; `redis`: a server, at
 * `process.env.REDIS_URL`; `postgres`: one where `PGHOST` and the like say. `needs.test.ts` has the latter.
 */
type Need = (typeof known)[number];
const known = ['process', 'peers', 'redis', 'postgres'] as const;
const isNeed = (name: string): name is Need => known.some((each) => each === name);

const runnable = new Set(['ts', 'typescript']);
/** Languages that stand for code without being checked: a reader would take them for a tested example. */
const untested = new Set(['js', 'javascript', 'mjs', 'cjs', 'tsx', 'jsx', 'mts', 'cts', '']);

/** @throws if a fence could hide an example: no language, JavaScript, an unknown marker. There is no opt-out. */
export function extract(file: string, text: string): Block[] {
  return file.endsWith('.md') ? fences(file, text.split('\n'), 0) : comments(file, text);
}

function comments(file: string, text: string): Block[] {
  return [...text.matchAll(/\/\*\*.*?\*\//gs)].flatMap((match) => {
    const offset = text.slice(0, match.index).split('\n').length - 1;
    const lines = match[0].replace(/\*\/$/, '').split('\n');
    const body = lines.map((line) => line.replace(/^\s*(?:\/\*\*|\*) ?/, ''));
    body.forEach((line, index) => {
      if (!line.startsWith('@example')) return;
      const next = body.slice(index + 1).findIndex((after) => after.startsWith('@'));
      const example = body.slice(index, next === -1 ? undefined : index + 1 + next);
      if (!example.some((part) => part.startsWith('```'))) {
        throw new Error(`${file}:${String(offset + index + 1)}: an @example without a code block`);
      }
    });
    return fences(file, body, offset);
  });
}

function fences(file: string, lines: readonly string[], offset: number): Block[] {
  const blocks: Block[] = [];
  let open: { fence: string; indent: number; info: string; line: number; code: string[] } | undefined;
  for (const [index, line] of lines.entries()) {
    if (open === undefined) {
      const match = /^(\s*)(`{3,}|~{3,})\s*(.*)$/.exec(line);
      if (!match) continue;
      open = { fence: match[2]!, indent: match[1]!.length, info: match[3]!.trim(), line: offset + index + 1, code: [] };
    } else if (line.trim() === open.fence) {
      const block = toBlock(file, open);
      if (block) blocks.push(block);
      open = undefined;
    } else {
      open.code.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
    }
  }
  if (open) throw new Error(`${file}:${String(open.line)}: the code block is not closed`);
  return blocks;
}

function toBlock(file: string, open: { info: string; line: number; code: string[] }): Block | undefined {
  const [, language = '', marker = ''] = /^(\S*)\s*(.*)$/.exec(open.info)!;
  const refuse = (why: string): Error => new Error(`${file}:${String(open.line)}: ${why}`);
  if (untested.has(language)) throw refuse(`a block in "${language}": examples are \`ts\`, anything else names itself`);
  if (!runnable.has(language)) return undefined;
  const block = { file, line: open.line, code: open.code.join('\n') };
  if (marker === '') return block;
  const [, attribute, value = ''] = /^(needs|file)="([^"]*)"$/.exec(marker) ?? [];
  const names = value.split(' ');
  if (attribute === 'needs' && names.every(isNeed)) return { ...block, needs: names };
  if (attribute === 'file' && /^[\w-]+\.js$/.test(value)) return { ...block, savedAs: value };
  throw refuse(`unknown marker "${marker}": there are needs="${known.join(' ')}" and file="name.js"`);
}
