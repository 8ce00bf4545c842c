/** A Redis of an example's own: Debian's `redis-server`, on a free port of loopback, its data in a folder that is given. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const program = 'redis-server';
const exists = (name: string): boolean => spawnSync(name, ['--version']).error === undefined;

/** What is missing on this machine, for people; undefined when nothing is. */
export const missingRedis = (): string | undefined =>
  exists(program) ? undefined : `${program} is not installed: apt-get install ${program}`;

/** A Redis that was started. */
export interface RedisServer {
  readonly port: number;
  /** Kills it, and starts it again on the same port. */
  readonly restart: (whileDown?: () => Promise<void>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts a Redis; resolves when it takes connections. */
export async function startRedis(folder: string, ...options: readonly string[]): Promise<RedisServer> {
  const port = await freePort();
  // It goes when this process goes, by whichever way, where the system can do that.
  const leash = exists('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : [];
  const where = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const [command = '', ...args] = [...leash, program, ...where, ...options];
  let child: ChildProcess;
  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let said = '';
      child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      child.once('error', reject).once('exit', () => reject(new Error(`${program} has ended: ${said}`)));
      child.stdout!.on('data', (data: Buffer) => {
        said += data.toString();
        if (said.includes('Ready to accept connections')) resolve();
      });
    });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    port,
    stop,
    restart: async (whileDown) => {
      await stop();
      await whileDown?.();
      await start();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
