import { expect, test } from 'vitest';
import { captionLine, type Line, type Plot, svg } from '../../simulations/plot.ts';

const line: Line = { name: '<a> & b', colour: '#000000', points: [] };

const drawn = (lines: readonly Line[], options: Partial<Plot> = {}): string =>
  svg({
    title: 't',
    caption: { of: 'The seeds 1 & 2', command: 'npm run t' },
    x: { label: 'x', ticks: [0, 10] },
    y: { label: 'y', ticks: [1, 10, 100], scale: 'log' },
    lines,
    frame: { height: 400, right: 590, gap: 16 },
    ...options,
  });

const pointsOf = (plot: string): readonly string[] => [...plot.matchAll(/ points="([^"]*)"/g)].map(([, text]) => text!);

test('a scale is linear or logarithmic, and a line stays within its frame', () => {
  const points = [
    { x: -5, y: 0.001 },
    { x: 5, y: 10 },
    { x: 99, y: 1e9 },
  ];
  expect(pointsOf(drawn([{ ...line, points }]))).toEqual(['64,344 327,196 590,48']);
});

test('a frame gives its height, the end of the x axis and the place of the legend', () => {
  const plot = drawn([{ ...line, points: [{ x: 10, y: 1 }] }], { frame: { height: 420, right: 540, gap: 20 } });
  expect(plot).toContain('viewBox="0 0 800 440"');
  expect(pointsOf(plot)).toEqual(['540,364']);
  expect(plot).toContain('<line x1="560" y1="60" x2="588" y2="60" stroke="#000000" stroke-width="2"/>');
  expect(plot).toContain('<text x="596" y="64" text-anchor="start">&lt;a&gt; &amp; b</text>');
});

test('a point with a label is a dot with a title, one without is none', () => {
  const points = [
    { x: 0, y: 1, label: '"one"' },
    { x: 10, y: 100 },
  ];
  expect(drawn([{ ...line, points }]).match(/<circle.*/g)).toEqual([
    '<circle cx="64" cy="344" r="3" fill="#000000"><title>&lt;a&gt; &amp; b, &quot;one&quot;</title></circle>',
  ]);
});

test('a dashed line is drawn over the others and keeps its place in the legend', () => {
  const plot = drawn([
    { ...line, name: 'dashed', dashed: true, points: [{ x: 0, y: 1 }] },
    { ...line, name: 'solid', width: 1.5, points: [{ x: 10, y: 1 }] },
  ]);
  expect(pointsOf(plot)).toEqual(['590,344', '64,344']);
  expect(plot.match(/<polyline .*/g)!.map((curve) => curve.includes('stroke-dasharray'))).toEqual([false, true]);
  expect([...plot.matchAll(/text-anchor="start">(.*)<\/text>/g)].map(([, name]) => name)).toEqual(['dashed', 'solid']);
});

test('a mark of a thousand is grouped', () => {
  const plot = drawn([], { x: { label: 'x', ticks: [0, 1_000] }, y: { label: 'y', ticks: [0.5, 2_000] } });
  for (const mark of ['1,000', '0.5', '2,000']) expect(plot).toContain(`>${mark}</text>`);
});

test('below the frame stand the seeds and the command, in the words of the pages', () => {
  const caption = { of: 'The seeds 1 & 2', command: 'npm run t' };
  expect(drawn([])).toContain('<text x="64" y="406" class="caption">The seeds 1 &amp; 2, by npm run t.</text>');
  expect(captionLine(caption)).toBe('_The seeds 1 & 2, by `npm run t`._');
});
