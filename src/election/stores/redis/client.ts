import { HoldfastError } from '../../../core/errors.ts';
import { invalid } from '../../../core/options.ts';
import { onAbort } from '../../../core/signals.ts';
import { type SharedSource, sourceEnded } from '../shared-hints.ts';
import { until } from '../until.ts';
import type { Script } from './scripts.ts';

/** What is used of a client of `ioredis`: its `Redis`, its `Cluster`. */
export interface IoredisLike {
  /** Where its connection is. */
  readonly status: string;
  /** Runs a script that the server knows. */
  evalsha(sha: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** Connects, if the client was made with `lazyConnect`. */
  connect(): Promise<unknown>;
  /** Another connection of the same options. */
  duplicate(): unknown;
}

/** What is used of a client of node-redis, the package `redis`: of `createClient` and of `createCluster`. */
export interface NodeRedisLike {
  /** Runs a script that the server knows. */
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** Connects. */
  connect(): Promise<unknown>;
  /** Another connection of the same options. */
  duplicate(): unknown;
}

/** A client of Redis or Valkey: of `ioredis` or of `redis`, recognised by their methods. */
export type RedisClient = IoredisLike | NodeRedisLike;

/** @internal What the store asks of either library. */
export interface RedisConnection {
  /** Keys of one script must be in one slot. */
  readonly isCluster: boolean;
  readonly run: (script: Script, keys: string[], args: string[], signal: AbortSignal) => Promise<unknown>;
}

/** Both libraries' clients are; what they say of their listeners' types differs. */
interface Emitting {
  on(event: string, listener: (...args: never[]) => void): unknown;
  removeListener(event: string, listener: (...args: never[]) => void): unknown;
}

const isIoredis = (client: unknown): client is IoredisLike => has(client, 'evalsha', 'eval', 'duplicate', 'on');
const isNodeRedis = (client: unknown): client is NodeRedisLike => has(client, 'evalSha', 'eval', 'duplicate', 'on');

function has(client: unknown, ...methods: readonly string[]): boolean {
  return (
    typeof client === 'object' &&
    client !== null &&
    methods.every((method) => typeof (client as Record<string, unknown>)[method] === 'function')
  );
}

/**
 * @internal The name of the parameter is in the error.
 *
 * @throws HoldfastError `INVALID_OPTION` for what is neither
 */
export function checkClient(name: string, client: unknown): RedisClient {
  if (isIoredis(client) || isNodeRedis(client)) return client;
  throw invalid(name, 'a client of ioredis or of redis (node-redis)', client);
}

/** @internal One way to run a script, whichever the library. */
export function connectionOf(client: RedisClient): RedisConnection {
  return isIoredis(client) ? overIoredis(client) : overNodeRedis(client);
}

function overIoredis(client: IoredisLike): RedisConnection {
  let waiting: Promise<void> | undefined;
  // What stood in the offline queue would be sent once the server is back, long after the caller has given up.
  const ready = (): Promise<void> => (waiting ??= readiness(client).finally(() => (waiting = undefined)));
  return {
    isCluster: (client as { readonly isCluster?: unknown }).isCluster === true,
    run: async (script, keys, args, signal) => {
      if (client.status !== 'ready') await until(signal, ready);
      const { length } = keys;
      return until(signal, () =>
        client.evalsha(script.sha, length, ...keys, ...args).catch((error: unknown) => {
          if (!isUnknownScript(error) || signal.aborted) throw error;
          return client.eval(script.text, length, ...keys, ...args);
        }),
      );
    },
  };
}

/** Resolves when commands go out at once; rejects when they never will, or when the signal aborts first. */
async function readiness(client: IoredisLike, signal?: AbortSignal): Promise<void> {
  if (client.status === 'ready') return;
  signal?.throwIfAborted();
  const events = client as unknown as Emitting;
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      unlink();
      events.removeListener('ready', ready);
      events.removeListener('end', end);
    };
    const ready = (): void => {
      done();
      resolve();
    };
    const end = (): void => {
      done();
      reject(new HoldfastError('STORE_FAILED', 'the client of ioredis is closed'));
    };
    const unlink = onAbort(signal, (reason) => {
      done();
      reject(reason);
    });
    events.on('ready', ready);
    events.on('end', end);
    if (client.status === 'end') end();
    else if (client.status === 'wait') client.connect().catch(() => undefined); // It goes on trying, or says `end`.
  });
}

function overNodeRedis(client: NodeRedisLike): RedisConnection {
  const { withAbortSignal } = client as { readonly withAbortSignal?: (signal: AbortSignal) => NodeRedisLike };
  return {
    isCluster: has(client, 'nodeClient'),
    run: (script, keys, args, signal) => {
      const options = { keys, arguments: args };
      // A command that is still in the queue is not sent any more. A signal of its own, for the client listens to each.
      const given = new AbortController();
      const bound = withAbortSignal === undefined ? client : withAbortSignal.call(client, given.signal);
      const ask = (): Promise<unknown> =>
        bound.evalSha(script.sha, options).catch((error: unknown) => {
          if (!isUnknownScript(error) || signal.aborted) throw error;
          return bound.eval(script.text, options);
        });
      return until(signal, ask, () => given.abort());
    },
  };
}

/** The server does not know the script, and has done nothing. */
function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

interface Subscriber extends Emitting {
  subscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
  unsubscribe(channel: string, listener?: (message: unknown) => void): Promise<unknown>;
  /** ioredis, and node-redis before version 5. */
  disconnect?(): unknown;
  /** node-redis. */
  destroy?(): unknown;
}

/** @internal Hears a channel over a connection that is used for nothing else, and that is closed in the end if it is ours. */
export async function subscribe(
  client: RedisClient,
  owned: boolean,
  channel: string,
  { tell, broken, signal }: SharedSource,
): Promise<void> {
  const ioredis = isIoredis(client);
  const line = client as unknown as Subscriber;
  const hear = (message: unknown): void => tell(String(message));
  const hearOne = (from: string, message: unknown): void => {
    if (from === channel) hear(message);
  };
  // While it was away, anything may have been told. ioredis is ready before the server has heard that it subscribes again.
  const again = async (): Promise<unknown> => (ioredis ? line.subscribe(channel) : undefined);
  const ready = (): void =>
    void again().then(
      () => tell(''),
      () => undefined,
    );
  const end = (): void => broken(sourceEnded('the subscriber of Redis'));
  // It connects again by itself; when it gives up, it says `end`.
  const error = (): void => undefined;
  const listeners = { ready, end, ...(owned && { error }), ...(ioredis && { message: hearOne }) };
  for (const [event, listener] of Object.entries(listeners)) line.on(event, listener);
  onAbort(signal, () => {
    for (const [event, listener] of Object.entries(listeners)) {
      // An error that nobody hears ends the process: it is heard until the connection is gone.
      if (event !== 'error') line.removeListener(event, listener);
    }
    if (owned) hangUp(line);
    else (ioredis ? line.unsubscribe(channel) : line.unsubscribe(channel, hear)).catch(() => undefined);
  });
  if (isIoredis(client)) await readiness(client, signal);
  else if (owned) await client.connect();
  signal.throwIfAborted();
  await (ioredis ? line.subscribe(channel) : line.subscribe(channel, hear));
}

function hangUp(line: Subscriber): void {
  try {
    if (line.destroy !== undefined) line.destroy();
    else line.disconnect?.();
  } catch {
    // It is closed already.
  }
}
