/*
 * Real servers for tests: each a process of its own on a free loopback port, its data in a temporary folder. None outlives the
 * process that has started it. `HOLDFAST_SERVICES=required` makes a missing one a failure.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';

/** A server that a test has started. */
export interface Server {
  readonly host: string;
  readonly port: number;
  /** As clients write it. */
  readonly url: string;
  /** Ends it, and deletes its data. */
  stop(): Promise<void>;
  /** Kills it and starts it again, on the same port; `wipe`: without its data. */
  restart(options?: { readonly wipe?: boolean }): Promise<void>;
  /** Stops it in the middle of whatever it does; its connections stay open. */
  pause(): void;
  resume(): void;
}

const postgresFolders = existsSync('/usr/lib/postgresql')
  ? readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`)
  : [];
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', ...postgresFolders.reverse()];

const find = (name: string): string | undefined =>
  folders.map((folder) => join(folder, name)).find((path) => existsSync(path));

/** What is needed of a machine, with Debian's package for it. */
const packages = {
  'redis-server': 'redis-server',
  postgres: 'postgresql',
  initdb: 'postgresql',
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
} as const;

export type Program = keyof typeof packages;

/** A `describe` that is skipped, and says why, on a machine without the programs. */
export function describeWith(programs: readonly Program[], name: string, body: () => void): void {
  const missing = programs.filter((program) => find(program) === undefined);
  if (missing.length === 0 || process.env['HOLDFAST_SERVICES'] === 'required') describe(name, body);
  else describe.skip(`${name} (needs: apt-get install ${missing.map((program) => packages[program]).join(' ')})`, body);
}

function pathOf(program: Program): string {
  const path = find(program);
  if (path === undefined) throw new Error(`${program} is missing: apt-get install ${packages[program]}`);
  return path;
}

/** What a program says of its version, in short. */
export function programVersion(program: Program): string {
  const said = spawnSync(pathOf(program), ['--version'], { encoding: 'utf8' }).stdout;
  return `${program} ${/\d+(\.\d+)+/.exec(said)?.[0] ?? 'of an unknown version'}`;
}

export async function startRedis(...options: readonly string[]): Promise<Server> {
  const port = await freePort();
  const server = await start({
    port,
    user: 'redis',
    // What was acknowledged is with the kernel, and so survives the process.
    command: (folder) => [
      pathOf('redis-server'),
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'no', ...options],
    ],
    ready: async () => (await exchange(port, 'PING\r\n')).startsWith('+PONG'),
  });
  return { ...server, url: `redis://127.0.0.1:${String(port)}` };
}

export async function startPostgres(): Promise<Server> {
  const port = await freePort();
  const server = await start({
    port,
    user: 'postgres',
    prepare: (folder, as) => {
      const { status, stderr } = run(as, [
        pathOf('initdb'),
        '-D',
        join(folder, 'data'),
        '-U',
        'postgres',
        '-A',
        'trust',
        '-N',
      ]);
      if (status !== 0) throw new Error(`initdb: ${stderr}`);
    },
    command: (folder) => [
      ...[pathOf('postgres'), '-D', join(folder, 'data'), '-k', folder, '-h', '127.0.0.1', '-p', String(port)],
      ...['-F', '-c', 'max_connections=200'],
    ],
    // It answers a request for TLS with N, once it takes connections at all; while it starts up, it refuses the session.
    ready: async () => {
      const user = 'user\0postgres\0database\0postgres\0\0';
      const startup = Buffer.alloc(8);
      startup.writeInt32BE(8 + user.length, 0);
      startup.writeInt32BE(196_608, 4);
      return (await exchange(port, Buffer.concat([startup, Buffer.from(user)]))).startsWith('R');
    },
    kill: 'SIGQUIT',
  });
  return { ...server, url: `postgres://postgres@127.0.0.1:${String(port)}/postgres` };
}

export async function startEtcd(): Promise<Server> {
  const [port, peerPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${String(port)}`;
  const peer = `http://127.0.0.1:${String(peerPort)}`;
  const server = await start({
    port,
    user: 'etcd',
    command: (folder) => [
      ...[pathOf('etcd'), '--name', 'one', '--data-dir', join(folder, 'data'), '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `one=${peer}`],
    ],
    ready: async () => (await (await fetch(`${url}/health`)).text()).includes('"true"'),
  });
  return { ...server, url };
}

/** The path of `etcdctl`, for interoperation. */
export const etcdctl = (): string => pathOf('etcdctl');

interface Plan {
  readonly port: number;
  /** Whose the process is where tests run as root: not every server will be. */
  readonly user: string;
  readonly prepare?: (folder: string, as: readonly string[]) => void;
  readonly command: (folder: string) => readonly string[];
  readonly ready: () => Promise<boolean>;
  /** How the server is ended at once; whose children would outlive SIGKILL has a signal of its own. */
  readonly kill?: NodeJS.Signals;
}

const startWithinMs = 30_000;

async function start(plan: Plan): Promise<Omit<Server, 'url'>> {
  const as = identity(plan.user);
  let folder = '';
  let child: ChildProcess | undefined;

  const makeFolder = (): void => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-server-'));
    if (as.uid !== undefined) chownSync(folder, as.uid, as.gid!);
    plan.prepare?.(folder, as.prefix);
  };
  const launch = async (): Promise<void> => {
    let output = '';
    const [program, ...args] = [...as.prefix, ...plan.command(folder)];
    const started = spawn(program!, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (data) => (output += String(data)));
    const giveUp = performance.now() + startWithinMs;
    while (!(await plan.ready().catch(() => false))) {
      if (started.exitCode !== null || performance.now() > giveUp)
        throw new Error(`the server does not start: ${output}`);
      await sleep(20);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending?.exitCode !== null || ending.signalCode !== null) return;
    const gone = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGCONT');
    ending.kill(signal);
    await gone;
  };
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const kill = plan.kill ?? 'SIGKILL';
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of family(child!.pid!)) process.kill(pid, signal);
  };
  const onExit = (): void => {
    child?.kill('SIGCONT');
    child?.kill(kill);
    remove();
  };

  process.once('exit', onExit);
  makeFolder();
  await launch();
  return {
    host: '127.0.0.1',
    port: plan.port,
    async stop() {
      await end(kill);
      remove();
      process.off('exit', onExit);
    },
    async restart({ wipe = false } = {}) {
      await end(kill);
      if (wipe) {
        remove();
        makeFolder();
      }
      await launch();
    },
    pause: () => signalAll('SIGSTOP'),
    resume: () => signalAll('SIGCONT'),
  };
}

/** Under which user a server runs, and what to put before its command; it goes when its parent goes, where Linux can do that. */
function identity(user: string): { readonly prefix: readonly string[]; readonly uid?: number; readonly gid?: number } {
  const setpriv = find('setpriv');
  if (setpriv === undefined) return { prefix: [] };
  const leash = [setpriv, '--pdeathsig', 'KILL'];
  if (process.getuid?.() !== 0) return { prefix: leash };
  const ids = ['-u', '-g'].map((option) => Number(spawnSync('id', [option, user]).stdout.toString().trim()));
  const [uid, gid] = ids as [number, number];
  return { prefix: [...leash, `--reuid=${String(uid)}`, `--regid=${String(gid)}`, '--clear-groups'], uid, gid };
}

function run(prefix: readonly string[], command: readonly string[]): { status: number | null; stderr: string } {
  const [program, ...args] = [...prefix, ...command];
  const { status, stderr } = spawnSync(program!, args, { cwd: tmpdir(), encoding: 'utf8' });
  return { status, stderr };
}

/** A process and its children. */
function family(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').split(' ');
  return [pid, ...children.filter((text) => text.trim() !== '').map(Number)];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The first bytes of an answer. */
async function exchange(port: number, request: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  try {
    return await new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed')));
      socket.once('data', (data) => resolve(data.toString('latin1')));
      socket.write(request);
    });
  } finally {
    socket.destroy();
  }
}
