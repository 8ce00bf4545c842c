import type { LeaseRecord } from './lease-store.ts';

/** Who leads, as far as one can see. */
export interface LeaderInfo<Meta = unknown> {
  /** Its id. */
  readonly id: string;
  /** Its term. */
  readonly token: bigint;
  /** What it tells the world: its address, for example. Undefined when it tells nothing, or not as JSON. */
  readonly meta: Meta | undefined;
}

/** What a record's data says. */
interface Told {
  readonly meta?: unknown;
  /** For whom the lease was given back. */
  readonly to?: unknown;
}

/** @internal What is told: JSON, or nothing. */
export function told(meta: unknown, to?: string): string | undefined {
  return meta === undefined && to === undefined ? undefined : JSON.stringify({ meta, to });
}

function read(data: string | undefined): Told {
  if (data === undefined) return {};
  try {
    return (JSON.parse(data) as Told | null) ?? {};
  } catch {
    return {}; // another program's
  }
}

/** @internal The leader that a record shows; null: nobody. */
export function leaderOf<Meta>(record: LeaseRecord | null): LeaderInfo<Meta> | null {
  const id = record?.holder ?? null;
  return id === null ? null : { id, token: record!.token, meta: read(record!.data).meta as Meta | undefined };
}

/** @internal Whether a lease was given back for somebody else. */
export function isFor(record: LeaseRecord, id: string): boolean {
  const { to } = read(record.data);
  return typeof to !== 'string' || to === id;
}
