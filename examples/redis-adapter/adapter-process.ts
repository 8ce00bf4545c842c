/** The adapter: stands beside a Redis and shows it as all else is shown: lines of JSON, a page of metrics, health. */
import { Redis } from 'ioredis';
import { poll, probe } from 'holdfast/live';
import { Registry } from 'prom-client';
import { serve } from '../support/http.ts';
import { openJsonLines } from '../support/json-lines.ts';
import { page } from './metrics.ts';
import { type Entry, type Line, newLines, type Position } from './slow-log.ts';

/** What the adapter tells. */
export type Message =
  { readonly kind: 'listening'; readonly url: string } | { readonly kind: 'failed'; readonly failures: number };

const tell = (message: Message): unknown => process.send?.(message);
const [, port, folder = ''] = process.argv.slice(2);
process.once('disconnect', () => process.exit()); // never outlives the process that started it
const redis = new Redis(Number(port), { enableOfflineQueue: false, commandTimeout: 1_000, retryStrategy: () => 50 });
redis.on('error', () => undefined); // the health tells

// The check is the user's. PING would do for a Redis that is full and refuses all that is new.
const up = probe(() => redis.set('health', 'well', 'PX', 10_000), { everyMs: 200, rise: 2, fall: 3 }); // in earnest 5 s
up.on('failed', ({ failures }) => tell({ kind: 'failed', failures }));
const { url } = await serve('adapter', async (request) => {
  if (!request.url.endsWith('/metrics')) return new Response(null, { status: up.current ? 200 : 503 });
  const text = await page(await redis.info('everything').catch(() => undefined));
  return new Response(text, { headers: { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE } });
});
tell({ kind: 'listening', url });
const runOf = async (): Promise<string> => /run_id:(\w+)/.exec(await redis.info('server'))![1]!;
const lines = await openJsonLines<Line>(folder, 'slow');
const newest = async (from?: Position) => {
  // -1: the whole log, for the rest of a longer one would look as if it had been lost.
  const [run, entries, runAfter] = await Promise.all([runOf(), redis.slowlog('GET', -1), runOf()]);
  if (run !== runAfter) throw new Error('restarted meanwhile'); // then it is asked again
  return newLines(entries as Entry[], run, from);
};
const slow = poll<Line, Position>(newest, { everyMs: 50, cursor: lines.last, backoff: { maxMs: 250 } }); // in earnest 10 s
for await (const line of slow) await lines.write(line);
