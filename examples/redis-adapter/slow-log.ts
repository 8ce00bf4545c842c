/** Redis' slow log as lines, each once. The log is a short list in memory: it overflows, and a restart begins it anew. */
import type { PollBatch } from 'holdfast/live';

/** Entries are numbered, from 0 in each run of the server. What is up to a position has been told of. */
export type Position = Readonly<{ run: string; id: number }>;
export type Line = Position & Readonly<{ event: string; missed?: number; [detail: string]: unknown }>;
/** As `SLOWLOG GET` answers: number, seconds, microseconds, the command with its arguments, client, the client's name. */
export type Entry = readonly [number, number, number, readonly string[], string, string];

/** What is new since a position, in order; and a line for what nobody will see any more. */
export function newLines(entries: readonly Entry[], run: string, from?: Position): PollBatch<Line, Position> {
  const last = from?.run === run ? from.id : -1;
  const fresh = entries.filter(([id]) => id > last).sort(([a], [b]) => a - b);
  const missed = fresh.length === 0 ? 0 : fresh[0]![0] - last - 1;
  const items: Line[] = [];
  if (from !== undefined && from.run !== run) items.push({ event: 'restarted', run, id: -1, unseenSince: from.id });
  if (missed > 0) items.push({ event: 'missed', run, id: last + missed, missed });
  for (const [id, at, us, [command, ...args], client, name] of fresh)
    items.push({ event: 'slow', run, id, at: new Date(at * 1e3), seconds: us / 1e6, command, args, client, name });
  return { items, missed, cursor: { run, id: items.at(-1)?.id ?? last } };
}
