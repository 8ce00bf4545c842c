/*
 * Line plots as SVG, of simulations and benchmarks: no fonts, scripts or styles from elsewhere, colours for light and dark.
 */

interface Point {
  readonly x: number;
  readonly y: number;
  /** Makes the point a dot, with the name of its line and this as a title, which a browser shows. */
  readonly label?: string;
}

export interface Line {
  readonly name: string;
  readonly points: readonly Point[];
  readonly colour: string;
  /** Of the stroke; 2 when absent. */
  readonly width?: number;
  readonly dashed?: boolean;
}

export interface PlotAxis {
  readonly label: string;
  /** Where there are marks, ascending; the first and the last are the ends. */
  readonly ticks: readonly number[];
  readonly scale?: 'linear' | 'log';
}

/** How a plot of a width of 800 is divided. */
export interface Frame {
  readonly height: number;
  /** Where the x axis ends; the legend is beside it. */
  readonly right: number;
  /** Between the axis and the legend. */
  readonly gap: number;
}

/** What was drawn, and what draws it again. */
export interface Caption {
  /** Names the seeds. */
  readonly of: string;
  readonly command: string;
}

export interface Plot {
  readonly title: string;
  readonly caption: Caption;
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  readonly lines: readonly Line[];
  readonly frame: Frame;
}

const width = 800;
const [left, top] = [64, 48];
/** Below the frame. */
const captionHeight = 20;

const style = `text { font: 13px system-ui, sans-serif; fill: #24292f; }
.title { font-size: 15px; font-weight: 600; }
.caption { font-size: 11px; opacity: 0.75; }
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
const grouped = (value: number): string => value.toLocaleString('en-US');

const stroke = (x1: number, y1: number, x2: number, y2: number, look: string): string =>
  `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" ${look}/>`;
const text = (x: number, y: number, look: string, content: string): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}" ${look}>${escaped(content)}</text>`;

const lookOf = ({ colour, width = 2, dashed = false }: Line): string =>
  `stroke="${colour}" stroke-width="${String(width)}"${dashed ? ' stroke-dasharray="5 4"' : ''}`;

/** A value's place between two places; beyond the ends it is at the end. */
function placed({ ticks, scale = 'linear' }: PlotAxis, from: number, to: number): (value: number) => number {
  const on = scale === 'log' ? Math.log : (value: number): number => value;
  const [least, most] = [on(ticks[0]!), on(ticks.at(-1)!)];
  return (value) => from + ((Math.min(most, Math.max(least, on(value))) - least) / (most - least)) * (to - from);
}

/** The caption below a plot that a page shows; the plot itself has the same words. */
export const captionLine = ({ of, command }: Caption): string => `_${of}, by \`${command}\`._`;

/** The plot as a file. */
export function svg({ title, caption, x, y, lines, frame: { height, right, gap } }: Plot): string {
  const whole = height + captionHeight;
  const bottom = height - 56;
  const middle = (top + bottom) / 2;
  const across = placed(x, left, right);
  const up = placed(y, bottom, top);
  const curve = (line: Line): string[] => [
    `<polyline fill="none" ${lookOf(line)} points="${line.points.map((point) => `${fixed(across(point.x))},${fixed(up(point.y))}`).join(' ')}"/>`,
    ...line.points
      .filter(({ label }) => label !== undefined)
      .map(
        (point) =>
          `<circle cx="${fixed(across(point.x))}" cy="${fixed(up(point.y))}" r="3" fill="${line.colour}"><title>${escaped(`${line.name}, ${point.label!}`)}</title></circle>`,
      ),
  ];
  const legend = (line: Line, index: number): string[] => {
    const at = top + 12 + 24 * index;
    const [from, to] = [right + gap, right + 2 * gap + 8];
    return [stroke(from, at, to, at, lookOf(line)), text(to + 8, at + 4, 'text-anchor="start"', line.name)];
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${String(width)} ${String(whole)}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>\n${style}\n</style>`,
    `<rect class="back" width="${String(width)}" height="${String(whole)}" rx="6"/>`,
    text(left, 28, 'class="title"', title),
    ...x.ticks.flatMap((tick) => [
      stroke(across(tick), top, across(tick), bottom, 'class="grid"'),
      text(across(tick), bottom + 20, 'text-anchor="middle"', grouped(tick)),
    ]),
    ...y.ticks.flatMap((tick) => [
      stroke(left, up(tick), right, up(tick), 'class="grid"'),
      text(left - 8, up(tick) + 4, 'text-anchor="end"', grouped(tick)),
    ]),
    text((left + right) / 2, bottom + 42, 'text-anchor="middle"', x.label),
    text(18, middle, `text-anchor="middle" transform="rotate(-90 18 ${fixed(middle)})"`, y.label),
    // Dashed ones last, or a line that they coincide with would hide them.
    ...[...lines].sort((a, b) => Number(a.dashed ?? false) - Number(b.dashed ?? false)).flatMap(curve),
    ...lines.flatMap(legend),
    text(left, height + 6, 'class="caption"', `${caption.of}, by ${caption.command}.`),
    '</svg>',
    '',
  ].join('\n');
}
