/** A Redis of an example's own: Debian's `redis-server`, on a free port of loopback, its data in a folder that is given. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Redis } from 'ioredis';
import type { Stage } from './example.ts';

const program = 'redis-server';
const exists = (name: string): boolean => spawnSync(name, ['--version']).error === undefined;

/** What is missing on this machine, for people; undefined when nothing is. */
export const missingRedis = (): string | undefined =>
  exists(program) ? undefined : `${program} is not installed: apt-get install ${program}`;

/** A Redis that was started, and a client of it. */
export interface RedisServer {
  readonly port: number;
  readonly redis: Redis;
  /** Kills it, and starts it again on the same port: with nothing of what it had. */
  readonly restart: (whileDown: () => Promise<void>) => Promise<void>;
}

/** Starts a Redis that ends with the example; resolves when it takes connections. */
export async function startRedis(stage: Stage, options: Readonly<Record<string, string>>): Promise<RedisServer> {
  const [port, folder] = [await freePort(), await stage.makeFolder()];
  const all = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', ...options };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // It goes when this process goes, by whichever way, where the system can do that.
  const [command = '', ...rest] = [...(exists('setpriv') ? ['setpriv', '--pdeathsig', 'KILL'] : []), program, ...args];
  let child: ChildProcess;
  const start = (): Promise<void> =>
    new Promise((resolve, reject) => {
      let said = '';
      child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'ignore'] });
      child.once('error', reject).once('exit', () => reject(new Error(`${program} has ended: ${said}`)));
      child.stdout!.on('data', (data: Buffer) => {
        said += data.toString();
        if (said.includes('Ready to accept connections')) resolve();
      });
    });
  const stop = async (): Promise<void> => {
    const gone = once(child, 'exit');
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
  };
  await start();
  stage.defer(stop);
  const redis = new Redis(port, { retryStrategy: () => 20 }).on('error', () => undefined); // it is restarted on purpose
  stage.defer(() => redis.disconnect());
  return {
    port,
    redis,
    restart: async (whileDown) => {
      await stop();
      await whileDown();
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
