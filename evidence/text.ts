import type { Stamp } from './results.ts';

const grouped = new Intl.NumberFormat('en-GB');

/** 1,234,567 */
export function count(value: number): string {
  return grouped.format(Math.round(value));
}

/** 12.3 % */
export function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** The last line of each section. */
export function source({ command, node, date, commit }: Stamp, more = ''): string {
  return `_\`${command}\`${more === '' ? '' : `, ${more}`}; Node ${node.slice(1)}, ${date}, commit ${commit}._`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}
