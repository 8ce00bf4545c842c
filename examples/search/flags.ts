import { parseArgs } from 'node:util';
import { UserError } from './user-error.ts';
import { checkQuery } from './words.ts';

const defaultPort = 8080;
const anyPort = 0;

export const usage = `Searches documents with several processes, and shows what happens when some of them fail.

  npm start                              a tour: questions, faults, and what becomes of the answers
  npm start -- --query "event emitter"   one question
  npm start -- --serve                   stays up, with a page to search from

  --docs DIR    search the Markdown and text files in DIR; without it, every README in node_modules
  --query TEXT  ask one question: which documents have all of these words?
  --serve       answer over HTTP on loopback until interrupted
  --port N      the port to serve on, 0 for any that is free (default ${defaultPort})
  --help        this text`;

/** What the command is to do. */
export interface Flags {
  readonly mode: 'help' | 'tour' | 'query' | 'serve';
  /** Undefined: the READMEs in node_modules. */
  readonly docs: string | undefined;
  readonly query: string;
  /** Where the root listens; 0 for any free port. */
  readonly port: number;
}

const options = {
  docs: { type: 'string' },
  query: { type: 'string' },
  serve: { type: 'boolean', default: false },
  port: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/**
 * Reads the command line.
 *
 * @throws {@link UserError} when there is something in it that cannot be meant
 */
export function parseFlags(args: readonly string[]): Flags {
  const { values, positionals } = parse(args);
  const { docs, query, serve, port, help } = values;
  if (help) return { mode: 'help', docs, query: '', port: anyPort };
  if (positionals.length > 0) throw new UserError(`unexpected argument: ${positionals[0]!} (see --help)`);
  if (docs === '') throw new UserError('--docs needs a folder');
  if (query !== undefined && serve) throw new UserError('--query and --serve do not go together');
  if (port !== undefined && !serve) throw new UserError('--port needs --serve');
  if (serve) return { mode: 'serve', docs, query: '', port: port === undefined ? defaultPort : parsePort(port) };
  if (query === undefined) return { mode: 'tour', docs, query: '', port: anyPort };
  checkQuery(query);
  return { mode: 'query', docs, query, port: anyPort };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // The first sentence says it; the rest explains the parser.
    const [message = ''] = (error as Error).message.split(/\.\s|\n/);
    throw new UserError(`${message.charAt(0).toLowerCase()}${message.slice(1)} (see --help)`);
  }
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65_535)) throw new UserError(`--port must be a number from 0 to 65535, got ${JSON.stringify(text)}`);
  return port;
}
