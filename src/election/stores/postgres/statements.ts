/** @internal The statements of a table; `table` is quoted. Every value goes in and comes out as text, whatever the client's types. */
export interface Statements {
  readonly create: string;
  /** $1 key, $2 holder, $3 nonce, $4 ttl, $5 data. */
  readonly acquire: string;
  /** $1 leases as JSON `[{ i, key, nonce, token }]`, $2 ttl, $3 whether there is data, $4 data. */
  readonly renew: string;
  /** $1 key, $2 nonce, $3 token, $4 data. */
  readonly release: string;
  /** $1 key. */
  readonly read: string;
}

const held = 'l.holder IS NOT NULL AND l.expires_at > clock_timestamp()';
const own = `l.nonce = EXCLUDED.nonce AND ${held}`;

const columns = `l.key, l.holder, l.nonce, l.token::text, l.token || '.' || l.writes AS version, l.ttl_ms::text AS ttl, l.data,
  ceil(extract(epoch FROM l.expires_at - clock_timestamp()) * 1000)::bigint::text AS remaining`;

/** A payload must be below 8,000 bytes: a long key is told by how it begins. */
const tell = (channel: string): string => `pg_notify('${channel}', left(l.key, 1000))::text AS told`;

/**
 * @internal
 * `clock_timestamp()` and not `now()`: who has waited for a row's lock looks at the time after the wait.
 */
export function statementsFor(table: string, channel: string): Statements {
  return {
    create: `CREATE TABLE IF NOT EXISTS ${table} (
  key text PRIMARY KEY,
  holder text,
  nonce text NOT NULL,
  token bigint NOT NULL,
  writes bigint NOT NULL,
  ttl_ms integer NOT NULL,
  expires_at timestamptz NOT NULL,
  predecessor text NOT NULL,
  data text
)`,
    acquire: `WITH granted AS (
  INSERT INTO ${table} AS l (key, holder, nonce, token, writes, ttl_ms, expires_at, predecessor, data)
  VALUES ($1::text, $2::text, $3::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 1, $4::text::int,
    clock_timestamp() + $4::text::int * interval '1 ms', 'none', $5::text)
  ON CONFLICT (key) DO UPDATE SET
    holder = EXCLUDED.holder, nonce = EXCLUDED.nonce, ttl_ms = EXCLUDED.ttl_ms, data = EXCLUDED.data,
    token = CASE WHEN ${own} THEN l.token ELSE greatest(l.token + 1, EXCLUDED.token) END,
    predecessor = CASE WHEN ${own} THEN l.predecessor WHEN l.holder IS NULL THEN 'released' ELSE 'expired' END,
    writes = l.writes + 1,
    expires_at = clock_timestamp() + $4::text::int * interval '1 ms'
  WHERE NOT (${held}) OR l.nonce = EXCLUDED.nonce
  RETURNING *
)
SELECT ${columns}, l.predecessor, ${tell(channel)} FROM granted AS l
UNION ALL
SELECT ${columns}, NULL, NULL FROM ${table} AS l WHERE l.key = $1::text AND ${held} AND NOT EXISTS (SELECT FROM granted)`,
    renew: `WITH wanted AS (
  SELECT * FROM json_to_recordset($1::text::json) AS w (i int, key text, nonce text, token bigint)
), before AS (
  SELECT l.key, l.data FROM ${table} AS l JOIN wanted AS w ON l.key = w.key
), renewed AS (
  UPDATE ${table} AS l SET
    ttl_ms = $2::text::int, expires_at = clock_timestamp() + $2::text::int * interval '1 ms', writes = l.writes + 1,
    data = CASE WHEN $3::text = 'true' THEN $4::text ELSE l.data END
  FROM wanted AS w
  WHERE l.key = w.key AND l.nonce = w.nonce AND l.token = w.token AND ${held}
  RETURNING l.*, w.i
)
SELECT l.i::text AS i, ${columns},
  CASE WHEN b.data IS DISTINCT FROM l.data THEN ${tell(channel).replace(' AS told', '')} END AS told
FROM renewed AS l LEFT JOIN before AS b ON b.key = l.key`,
    release: `WITH released AS (
  UPDATE ${table} AS l SET holder = NULL, data = $4::text, writes = l.writes + 1
  WHERE l.key = $1::text AND l.nonce = $2::text AND l.token = $3::text::bigint AND ${held}
  RETURNING *
)
SELECT l.key, ${tell(channel)} FROM released AS l`,
    read: `SELECT ${columns} FROM ${table} AS l WHERE l.key = $1::text AND (l.holder IS NULL OR ${held})`,
  };
}
