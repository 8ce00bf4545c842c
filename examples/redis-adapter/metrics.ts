/** Redis' INFO as a Prometheus page, by the conventions: base units, `_total`, texts as labels of an `_info`. */
import { Counter, Gauge, Registry } from 'prom-client';

const numbers = [
  ['redis_uptime_seconds', 'uptime_in_seconds', 'Time since the start.'],
  ['redis_memory_used_bytes', 'used_memory', 'Memory that is allocated.'],
  ['redis_commands_processed_total', 'total_commands_processed', 'Commands since the start.'],
] as const;

/** The page of one scrape; undefined: no answer. It has a registry of its own, for the numbers are Redis' and not ours. */
export async function page(info?: string): Promise<string> {
  const registry = new Registry();
  const metric = (name: string, help: string, ...labelNames: readonly string[]): Counter | Gauge =>
    new (name.endsWith('_total') ? Counter : Gauge)({ name, help, labelNames, registers: [registry] });
  metric('redis_up', 'Whether Redis has answered.').inc(info === undefined ? 0 : 1);
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info ?? '')?.[1];
  for (const [name, from, help] of numbers) if (field(from) !== undefined) metric(name, help).inc(Number(field(from)));
  const [version, role] = [field('redis_version'), field('role')];
  if (version && role) metric('redis_instance_info', 'What Redis is.', 'version', 'role').inc({ version, role }, 1);
  const seconds = metric('redis_command_duration_seconds_total', 'Time spent in a command.', 'command');
  for (const [, command, us] of info?.matchAll(/^cmdstat_(.+?):calls=\d+,usec=(\d+)/gm) ?? [])
    seconds.inc({ command: command! }, Number(us) / 1e6);
  return await registry.metrics();
}
