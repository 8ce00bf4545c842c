/*
 * Line plots as SVG: no fonts, scripts or styles from elsewhere, colours for light and dark.
 */

import type { PlotAxis } from './scenario.ts';

export interface Line {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Plot {
  readonly title: string;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly lines: readonly Line[];
}

const width = 800;
const height = 400;
const area = { left: 64, top: 48, right: 590, bottom: 344 };
/** The last line is ours and stands out. */
const colours = ['#8c959f', '#bf8700', '#8250df', '#1a7f37', '#0969da'];

const style = `text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.back { fill: #ffffff; }
.grid { stroke: #d0d7de; }
@media (prefers-color-scheme: dark) {
  text { fill: #d1d7e0; }
  .back { fill: #151b23; }
  .grid { stroke: #3d444d; }
}`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const fixed = (value: number): string => String(Number(value.toFixed(1)));

/** A value's place between two places; beyond the ends it is at the end. */
function placed({ ticks, scale = 'linear' }: PlotAxis, from: number, to: number): (value: number) => number {
  const on = scale === 'log' ? Math.log : (value: number): number => value;
  const [least, most] = [on(ticks[0]!), on(ticks.at(-1)!)];
  return (value) => from + ((Math.min(most, Math.max(least, on(value))) - least) / (most - least)) * (to - from);
}

/** The plot as a file. */
export function svg({ title, x, y, lines }: Plot): string {
  const across = placed(x, area.left, area.right);
  const up = placed(y, area.bottom, area.top);
  const stroke = (x1: number, y1: number, x2: number, y2: number, look: string): string =>
    `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" ${look}/>`;
  const text = (atX: number, atY: number, look: string, content: string): string =>
    `<text x="${fixed(atX)}" y="${fixed(atY)}" ${look}>${escaped(content)}</text>`;
  const look = (index: number): string => {
    const last = index === lines.length - 1;
    const colour = last ? colours.at(-1)! : colours[index % (colours.length - 1)]!;
    return `stroke="${colour}" stroke-width="${last ? '2.5' : '1.5'}"`;
  };
  const middle = (area.top + area.bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>\n${style}\n</style>`,
    `<rect class="back" width="${String(width)}" height="${String(height)}" rx="6"/>`,
    text(area.left, 28, 'class="title"', title),
    ...x.ticks.flatMap((tick) => [
      stroke(across(tick), area.top, across(tick), area.bottom, 'class="grid"'),
      text(across(tick), area.bottom + 20, 'text-anchor="middle"', String(tick)),
    ]),
    ...y.ticks.flatMap((tick) => [
      stroke(area.left, up(tick), area.right, up(tick), 'class="grid"'),
      text(area.left - 8, up(tick) + 4, 'text-anchor="end"', String(tick)),
    ]),
    text((area.left + area.right) / 2, area.bottom + 42, 'text-anchor="middle"', x.label),
    text(18, middle, `text-anchor="middle" transform="rotate(-90 18 ${fixed(middle)})"`, y.label),
    ...lines.map(({ points }, index) => {
      const path = points.map((point) => `${fixed(across(point.x))},${fixed(up(point.y))}`).join(' ');
      return `<polyline fill="none" ${look(index)} points="${path}"/>`;
    }),
    ...lines.flatMap(({ name }, index) => {
      const at = area.top + 12 + 24 * index;
      return [
        stroke(area.right + 16, at, area.right + 40, at, look(index)),
        text(area.right + 48, at + 4, 'text-anchor="start"', name),
      ];
    }),
    '</svg>',
    '',
  ].join('\n');
}
