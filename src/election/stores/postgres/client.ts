import { invalid } from '../../../core/options.ts';
import { onAbort } from '../../../core/signals.ts';
import { type OpenSource, type SharedSource, sourceEnded } from '../shared-hints.ts';
import { until } from '../until.ts';

/** What is used of the package `pg`: of a `Pool`, which is advised, or of a connected `Client`. */
export interface PgLike {
  /** Runs a statement. */
  query(
    text: string,
    values: unknown[],
  ): Promise<{
    /** One object for each row. */
    readonly rows: readonly unknown[];
  }>;
}

/** What is used of the package `postgres` (postgres.js): of what `postgres(…)` returns. */
export interface PostgresJsLike {
  /** Runs a statement whose text is made elsewhere. */
  unsafe(text: string, values: string[]): PromiseLike<readonly unknown[]>;
}

/** A client of PostgreSQL: of `pg` or of `postgres`, recognised by their methods. */
export type PostgresClient = PgLike | PostgresJsLike;

/** What is used of postgres.js to listen; it opens a connection of its own for that. */
export interface PostgresJsListener {
  /** Listens, again after each reconnection. */
  listen(
    channel: string,
    hear: (payload: string) => void,
    listening: () => void,
  ): Promise<{
    /** Ends it. */
    unlisten(): Promise<unknown>;
  }>;
}

/** @internal A row whose columns are all text. */
export type Row = Readonly<Record<string, string | null>>;

/** @internal What the store asks of either library: one statement, in a transaction of its own. */
export type RunStatement = (
  statement: string,
  values: readonly (string | null)[],
  signal: AbortSignal,
) => Promise<Row[]>;

interface PgPool extends PgLike {
  connect(): Promise<PgPoolClient>;
}

interface PgPoolClient extends PgLike {
  release(destroy?: boolean): void;
  on(event: 'error', listener: () => void): unknown;
  removeListener(event: 'error', listener: () => void): unknown;
}

const method = (client: unknown, name: string): boolean =>
  ((typeof client === 'object' && client !== null) || typeof client === 'function') &&
  typeof (client as Record<string, unknown>)[name] === 'function';

const isPostgresJs = (client: unknown): client is PostgresJsLike => method(client, 'unsafe');
const isPg = (client: unknown): client is PgLike => method(client, 'query');
const isPgPool = (client: unknown): client is PgPool =>
  isPg(client) && method(client, 'connect') && typeof (client as { totalCount?: unknown }).totalCount === 'number';

/** @internal @throws HoldfastError `INVALID_OPTION` for what is no client */
export function statementsOver(client: unknown): RunStatement {
  if (isPostgresJs(client)) return overPostgresJs(client);
  if (isPgPool(client)) return overPool(client);
  if (isPg(client)) return overPg(client);
  throw invalid('client', 'a Pool or Client of pg, or the sql of postgres (postgres.js)', client);
}

const lastOf = new WeakMap<PgLike, Promise<unknown>>();

/** One statement after the other, as a single connection has it. */
function inTurn<T>(client: PgLike, ask: () => Promise<T>): Promise<T> {
  const answer = (lastOf.get(client) ?? Promise.resolve()).then(ask);
  lastOf.set(
    client,
    answer.catch(() => undefined),
  );
  return answer;
}

function overPg(client: PgLike): RunStatement {
  return async (statement, values, signal) => {
    const ask = (): ReturnType<PgLike['query']> =>
      inTurn(client, () => {
        // Who gives up while he waits is passed over.
        signal.throwIfAborted();
        return client.query(statement, [...values]);
      });
    return (await until(signal, ask)).rows as Row[];
  };
}

/** A connection that breaks fails its call. It tells of it as an event, too, and one that nobody hears ends the process. */
const heard = (): void => undefined;

/** A connection whose answer nobody waits for is destroyed: the next caller would wait behind it, or get none at all. */
function overPool(pool: PgPool): RunStatement {
  return (statement, values, signal) => {
    let client: PgPoolClient | undefined;
    const giveBack = (destroy: boolean): void => {
      // The pool hears those that it keeps.
      if (!destroy) client?.removeListener('error', heard);
      client?.release(destroy);
      client = undefined;
    };
    const ask = async (): Promise<Row[]> => {
      client = await pool.connect();
      client.on('error', heard);
      try {
        signal.throwIfAborted();
        const { rows } = await client.query(statement, [...values]);
        giveBack(false);
        return rows as Row[];
      } catch (error) {
        // After an error of the statement the connection is as it was.
        giveBack(!signal.aborted && stateOf(error) === undefined);
        throw error;
      }
    };
    return until(signal, ask, () => giveBack(true));
  };
}

function overPostgresJs(sql: PostgresJsLike): RunStatement {
  return async (statement, values, signal) => {
    let query: ReturnType<PostgresJsLike['unsafe']> | undefined;
    const ask = (): PromiseLike<readonly unknown[]> => (query = sql.unsafe(statement, values as string[]));
    return [...(await until(signal, ask, () => takeBack(query)))] as Row[];
  };
}

/** Only what still waits for a connection: to cancel what is under way takes another, whose failure nobody could catch. */
function takeBack(query: unknown): void {
  const waiting = query as { readonly state?: unknown; cancel(): unknown } | undefined;
  if (waiting?.state === null && method(waiting, 'cancel')) waiting.cancel();
}

/** @internal The SQLSTATE of an error that the server has answered with. */
export function stateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { readonly code?: unknown; readonly severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

/** What {@link PostgresLeaseStoreOptions.listen} may be: `Client` of `pg`, one that is made when needed, or postgres.js. */
export type PostgresListen = PgLike | PostgresJsListener | (() => Promise<PgLike>);

/** A connected `Client` of `pg`. */
interface PgListener extends PgLike {
  on(event: string, listener: (...args: never[]) => void): unknown;
  removeListener(event: string, listener: (...args: never[]) => void): unknown;
  end(): Promise<unknown>;
  unref?(): void;
}

const isListener = (client: unknown): client is PgListener =>
  isPg(client) && !isPgPool(client) && ['on', 'removeListener', 'end'].every((name) => method(client, name));

/** @internal @throws HoldfastError `INVALID_OPTION` for what cannot listen */
export function hintsOver(listen: unknown, channel: string): OpenSource {
  if (method(listen, 'listen')) return (source) => listenWithPostgresJs(listen as PostgresJsListener, channel, source);
  if (isListener(listen)) return (source) => listenWithPg(listen, channel, source, false);
  if (typeof listen === 'function') {
    return async (source) => {
      const client: unknown = await (listen as () => unknown)();
      if (!isListener(client)) throw invalid('what listen() resolves to', 'a connected Client of pg', client);
      return listenWithPg(client, channel, source, true);
    };
  }
  const allowed = 'a Client of pg (not a Pool), a function that resolves to one, or the sql of postgres (postgres.js)';
  throw invalid('listen', allowed, listen);
}

async function listenWithPostgresJs(
  sql: PostgresJsListener,
  channel: string,
  { tell, signal }: SharedSource,
): Promise<void> {
  // It listens again when the connection is back; in between, anything may have been told.
  const listening = await sql.listen(channel, tell, () => tell(''));
  onAbort(signal, () => void listening.unlisten().catch(() => undefined));
}

async function listenWithPg(
  client: PgListener,
  channel: string,
  { tell, broken, signal }: SharedSource,
  owned: boolean,
): Promise<void> {
  const notification = (message: { readonly channel: string; readonly payload?: string }): void => {
    if (message.channel === channel) tell(message.payload ?? '');
  };
  const error = (reason: unknown): void => broken(reason);
  const end = (): void => broken(sourceEnded('the listening connection to PostgreSQL'));
  const listeners = { notification, error, end };
  for (const [event, listener] of Object.entries(listeners)) client.on(event, listener);
  onAbort(signal, () => {
    for (const [event, listener] of Object.entries(listeners)) {
      // An error that nobody hears ends the process: it is heard until the connection is gone.
      if (!owned || event !== 'error') client.removeListener(event, listener);
    }
    if (owned) hangUp(client);
    else inTurn(client, () => client.query(`UNLISTEN "${channel}"`, [])).catch(() => undefined);
  });
  if (!signal.aborted) await inTurn(client, () => client.query(`LISTEN "${channel}"`, []));
}

/** It waits until the server has hung up, too, which a server that stands still does not: no process lives for that. */
function hangUp(client: PgListener): void {
  client.unref?.();
  void client.end().catch(() => undefined);
}
