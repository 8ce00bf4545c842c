/** Redis' INFO as a Prometheus page, by the conventions: base units, `_total`, texts as labels of an `_info`. */
import { Counter, Gauge, Registry } from 'prom-client';

const numbers = [
  ['redis_uptime_seconds', 'uptime_in_seconds', 'Time since the start.'],
  ['redis_memory_used_bytes', 'used_memory', 'Memory that is allocated.'],
  ['redis_commands_processed_total', 'total_commands_processed', 'Commands since the start.'],
  ['redis_cpu_user_seconds_total', 'used_cpu_user', 'Processor time in user mode.'],
] as const;

/** The page of one scrape; undefined: no answer. It has a registry of its own, for the numbers are Redis' and not ours. */
export async function page(info?: string): Promise<string> {
  const registry = new Registry();
  const add = (name: string, help: string, value: number, labels: Readonly<Record<string, string>> = {}): void => {
    const options = { name, help, labelNames: Object.keys(labels), registers: [registry] };
    const made = registry.getSingleMetric(name) as Counter | undefined;
    (made ?? (name.endsWith('_total') ? new Counter(options) : new Gauge(options))).inc(labels, value);
  };
  add('redis_up', 'Whether Redis has answered.', info === undefined ? 0 : 1);
  const fields = new Map((info?.match(/^\w.*:.*$/gm) ?? []).map((line) => line.split(/:(.*)/) as [string, string]));
  for (const [name, field, help] of numbers) if (fields.has(field)) add(name, help, Number(fields.get(field)));
  const [redis_version, role] = [fields.get('redis_version'), fields.get('role')];
  if (redis_version && role) add('redis_instance_info', 'What Redis is.', 1, { redis_version, role });
  for (const [field, value] of fields) {
    const us = /^calls=\d+,usec=(\d+)/.exec(value)?.[1];
    const labels = { command: field.replace('cmdstat_', '') };
    if (us) add('redis_command_duration_seconds_total', 'Time in a command.', Number(us) / 1e6, labels);
  }
  return await registry.metrics();
}
