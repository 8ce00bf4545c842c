/**
 * Leases of elections in PostgreSQL.
 *
 * @module holdfast/election/postgres
 */
import { anything, readOptions, type Rule } from '../../core/options.ts';
import type { Candidacy, Denied, Granted, LeaseLimits, LeasePatch, LeaseRecord, LeaseStore } from '../lease-store.ts';
import {
  hintsOver,
  type PostgresClient,
  type PostgresListen,
  type Row,
  type RunStatement,
  stateOf,
  statementsOver,
} from './postgres/client.ts';
import { type Statements, statementsFor } from './postgres/statements.ts';
import { SharedHints } from './shared-hints.ts';

export type { PgLike, PostgresClient, PostgresJsLike, PostgresJsListener, PostgresListen } from './postgres/client.ts';

/** Where a {@link PostgresLeaseStore} keeps its leases, and how it hears of changes. */
export interface PostgresLeaseStoreOptions {
  /**
   * The table, with its schema if need be: each name of at most 63 lower-case letters, digits and underscores.
   *
   * @defaultValue `'holdfast_leases'`
   */
  readonly table?: string | undefined;
  /**
   * How `LISTEN` gets a session of its own, which a pool and a pooler in transaction mode do not give: the `sql` of
   * postgres.js, a connected `Client` of `pg` that stays open, or a function that connects one, which the store ends.
   * A `Client` does not connect again: with the function, the next watch has another. Absent: there is no `watch`.
   */
  readonly listen?: PostgresListen | undefined;
}

const name = '[a-z_][a-z0-9_]{0,62}';
const tableRule: Rule<string> = {
  expected: 'a name of at most 63 lower-case letters, digits and underscores, or two with a dot between',
  accepts: (value) => typeof value === 'string' && new RegExp(`^${name}(\\.${name})?$`).test(value),
};

/** A serialization failure, a deadlock: the statement was rolled back. */
const rolledBack = new Set(['40001', '40P01']);

/** Two that create the table at once: the other has. */
const existsAlready = new Set(['23505', '42P07', '42710']);

/**
 * Leases in a table of PostgreSQL 9.5 or later, over the user's own client, of `pg` or of `postgres` (postgres.js).
 *
 * - Each method is one statement in a transaction of its own; a renewal of many leases is one, too. Nothing but `LISTEN` needs a
 *   session, so poolers in transaction mode will do.
 * - Tokens are milliseconds of the server's clock, or the row's last token + 1 where that is more: they grow also when the row
 *   was deleted or the database restored, if the clock is right.
 * - The server's wall clock ends a lease. Whoever sets that clock forward ends leases early.
 * - A call that is aborted ends its connection of a `Pool`; elsewhere what was sent goes on, and what follows on that connection
 *   waits: a `Pool` is advised. What still waited for a connection is not sent.
 *
 * `durability` is `'linearizable'` of one primary. After a failover to an asynchronous replica an acknowledged grant may be missing,
 * and two lead until the first has failed to renew; `synchronous_commit` with a synchronous standby excludes that.
 *
 * The table, which {@link PostgresLeaseStore.createTable} makes where a migration does not:
 *
 * ```sql
 * CREATE TABLE holdfast_leases (
 *   key text PRIMARY KEY, holder text, nonce text NOT NULL, token bigint NOT NULL, writes bigint NOT NULL,
 *   ttl_ms integer NOT NULL, expires_at timestamptz NOT NULL, predecessor text NOT NULL, data text
 * );
 * ```
 *
 * A fenced write in the same database, with the election as $1 and the token as $2, changes no row once another has led:
 *
 * ```sql
 * UPDATE jobs SET … WHERE id = $3
 *   AND EXISTS (SELECT 1 FROM holdfast_leases WHERE key = $1 AND token = $2 FOR SHARE);
 * ```
 *
 * @example
 * ```ts needs="postgres"
 * import pg from 'pg';
 * import { PostgresLeaseStore } from 'holdfast/election/postgres';
 *
 * const listen = async () => {
 *   const client = new pg.Client();
 *   await client.connect();
 *   return client;
 * };
 * const pool = new pg.Pool(); // where PGHOST and the like say
 * const store = new PostgresLeaseStore(pool, { listen });
 * await store.createTable(AbortSignal.timeout(5_000));
 * await pool.end();
 * ```
 */
export class PostgresLeaseStore implements LeaseStore {
  readonly expiry = 'server';
  readonly durability = 'linearizable';
  readonly limits: LeaseLimits = { minTtlMs: 1, maxTtlMs: 2 ** 31 - 1, stepMs: 1 };
  /** There with the option `listen` only. */
  readonly watch?: (key: string, signal: AbortSignal) => AsyncIterable<unknown>;
  readonly #run: RunStatement;
  readonly #statements: Statements;
  readonly #hints: SharedHints | undefined;

  /**
   * @param client - of `pg` or of `postgres`; it stays the user's, who closes it
   * @param options - the table, and how to listen
   * @throws {@link HoldfastError} `INVALID_OPTION`
   */
  constructor(client: PostgresClient, options: PostgresLeaseStoreOptions = {}) {
    this.#run = statementsOver(client);
    const given = readOptions('PostgresLeaseStore', options, { table: tableRule, listen: anything<PostgresListen>() });
    const table = given.table ?? 'holdfast_leases';
    // A channel's name is an identifier, too: of two, the last will do, for a hint too many does no harm.
    const channel = table.split('.').at(-1)!;
    this.#statements = statementsFor(
      table
        .split('.')
        .map((part) => `"${part}"`)
        .join('.'),
      channel,
    );
    if (given.listen === undefined) return;
    const hints = new SharedHints(hintsOver(given.listen, channel));
    this.#hints = hints;
    this.watch = (key, signal) => hints.watch(key, signal);
  }

  /**
   * Makes the table if there is none. Any number may do so at once.
   *
   * @param signal - ends the wait
   */
  async createTable(signal: AbortSignal): Promise<void> {
    try {
      await this.#run(this.#statements.create, [], signal);
    } catch (error) {
      if (!existsAlready.has(stateOf(error) ?? '')) throw error;
    }
  }

  async acquire(candidacy: Candidacy, signal: AbortSignal): Promise<Granted | Denied> {
    const { key, holder, nonce, ttlMs, data = null } = candidacy;
    const row = await this.#tryAcquire([key, holder, nonce, whole(ttlMs), data], signal);
    // The statement saw the table as it was when it began, and nothing of who has come since.
    if (row === undefined) return { granted: false, current: await this.read(key, signal) };
    if (row['predecessor'] === null) return { granted: false, current: recordOf(row) };
    return { granted: true, record: recordOf(row), predecessor: row['predecessor'] as Granted['predecessor'] };
  }

  async renew(
    held: readonly LeaseRecord[],
    patch: LeasePatch,
    signal: AbortSignal,
  ): Promise<readonly (LeaseRecord | null)[]> {
    if (held.length === 0) return [];
    const wanted = held.map(({ key, nonce, token }, i) => ({ i, key, nonce, token: String(token) }));
    const telling = String(patch.data !== undefined);
    const values = [JSON.stringify(wanted), whole(patch.ttlMs), telling, patch.data ?? null];
    const rows = await this.#run(this.#statements.renew, values, signal);
    const answers = new Map(rows.map((row) => [Number(row['i']), recordOf(row)]));
    return held.map((_, i) => answers.get(i) ?? null);
  }

  async release(held: LeaseRecord, signal: AbortSignal): Promise<boolean> {
    const rows = await this.#run(
      this.#statements.release,
      [held.key, held.nonce, String(held.token), held.data ?? null],
      signal,
    );
    return rows.length === 1;
  }

  async read(key: string, signal: AbortSignal): Promise<LeaseRecord | null> {
    const [row] = await this.#run(this.#statements.read, [key], signal);
    return row === undefined ? null : recordOf(row);
  }

  async close(): Promise<void> {
    this.#hints?.close();
  }

  async #tryAcquire(values: readonly (string | null)[], signal: AbortSignal): Promise<Row | undefined> {
    try {
      const [row] = await this.#run(this.#statements.acquire, values, signal);
      return row;
    } catch (error) {
      // Under a stricter isolation than the default: another was faster, and this statement has done nothing.
      if (!rolledBack.has(stateOf(error) ?? '')) throw error;
      return undefined;
    }
  }
}

function recordOf(row: Row): LeaseRecord {
  const { holder = null, data = null } = row;
  const text = (column: string): string => row[column]!;
  return {
    key: text('key'),
    holder,
    nonce: text('nonce'),
    token: BigInt(text('token')),
    version: text('version'),
    ttlMs: Number(text('ttl')),
    ...(holder !== null && { remainingMs: Math.max(0, Number(text('remaining'))) }),
    ...(data !== null && { data }),
  };
}

/** The table counts in whole milliseconds; a lease may be longer than was asked for, never shorter. */
const whole = (ttlMs: number): string => String(Math.ceil(ttlMs));
