/*
 * Line plots as SVG: no fonts, scripts or styles from elsewhere, colours for light and dark.
 */

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: string }[];
  readonly color: string;
  readonly dashed?: boolean;
}

interface Axis {
  readonly label: string;
  /** Where there are marks, ascending; the first and the last are the ends. Both axes are logarithmic. */
  readonly ticks: readonly number[];
}

export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const width = 800;
const height = 420;
const area = { left: 64, top: 48, right: 540, bottom: 364 };

const style = `text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.back { fill: #ffffff; }
.grid { stroke: #d0d7de; }
@media (prefers-color-scheme: dark) {
  text { fill: #d1d7e0; }
  .back { fill: #151b23; }
  .grid { stroke: #3d444d; }
}`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const fixed = (value: number): string => String(Number(value.toFixed(1)));

function scaleOf({ ticks }: Axis, from: number, to: number): (value: number) => number {
  const [least, most] = [Math.log(ticks[0]!), Math.log(ticks.at(-1)!)];
  return (value) => from + ((Math.log(value) - least) / (most - least)) * (to - from);
}

/** The plot as a file. Each point has its series and its label as a title, which a browser shows. */
export function svg({ title, x, y, series }: Plot): string {
  const across = scaleOf(x, area.left, area.right);
  const up = scaleOf(y, area.bottom, area.top);
  const line = (x1: number, y1: number, x2: number, y2: number, look: string): string =>
    `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" ${look}/>`;
  const text = (at: readonly [x: number, y: number], look: string, content: string): string =>
    `<text x="${fixed(at[0])}" y="${fixed(at[1])}" ${look}>${escaped(content)}</text>`;
  const look = ({ color, dashed }: Series): string =>
    `stroke="${color}" stroke-width="2"${dashed === true ? ' stroke-dasharray="5 4"' : ''}`;
  const curve = (one: Series): string[] => [
    `<polyline fill="none" ${look(one)} points="${one.points.map((point) => `${fixed(across(point.x))},${fixed(up(point.y))}`).join(' ')}"/>`,
    ...one.points.map(
      (point) =>
        `<circle cx="${fixed(across(point.x))}" cy="${fixed(up(point.y))}" r="3" fill="${one.color}"><title>${escaped(`${one.name}, ${point.label}`)}</title></circle>`,
    ),
  ];
  const legend = (one: Series, index: number): string[] => {
    const at = area.top + 12 + 24 * index;
    return [
      line(area.right + 20, at, area.right + 48, at, look(one)),
      text([area.right + 56, at + 4], 'text-anchor="start"', one.name),
    ];
  };
  const middle = (area.top + area.bottom) / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(height)}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>\n${style}\n</style>`,
    `<rect class="back" width="${String(width)}" height="${String(height)}" rx="6"/>`,
    text([area.left, 28], 'class="title"', title),
    ...x.ticks.flatMap((tick) => [
      line(across(tick), area.top, across(tick), area.bottom, 'class="grid"'),
      text([across(tick), area.bottom + 20], 'text-anchor="middle"', tick.toLocaleString('en-US')),
    ]),
    ...y.ticks.flatMap((tick) => [
      line(area.left, up(tick), area.right, up(tick), 'class="grid"'),
      text([area.left - 8, up(tick) + 4], 'text-anchor="end"', String(tick)),
    ]),
    text([(area.left + area.right) / 2, area.bottom + 42], 'text-anchor="middle"', x.label),
    text([18, middle], `text-anchor="middle" transform="rotate(-90 18 ${fixed(middle)})"`, y.label),
    // Dashed ones last, or a line that they coincide with would hide them.
    ...[...series].sort((a, b) => Number(a.dashed ?? false) - Number(b.dashed ?? false)).flatMap(curve),
    ...series.flatMap(legend),
    '</svg>',
    '',
  ].join('\n');
}
