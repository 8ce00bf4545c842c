import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openJsonLines } from '../../examples/support/json-lines.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'json-lines-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const path = (): string => join(folder, 'log.jsonl');
const lines = (): unknown[] =>
  readFileSync(path(), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);

it('goes on after the last whole line, wherever between two writes its process was killed', async () => {
  const first = await openJsonLines<{ id: number; text: string }>(folder, 'log');
  expect(first.last).toBeUndefined();
  await first.write({ id: 1, text: 'ä' });
  const between = readFileSync(join(folder, 'log.cursor'));
  await first.write({ id: 2, text: 'ö\n' });

  const afterCursor = await openJsonLines(folder, 'log');
  expect(afterCursor.last).toEqual({ id: 2, text: 'ö\n' });

  writeFileSync(join(folder, 'log.cursor'), between); // killed between a line and its cursor
  expect((await openJsonLines(folder, 'log')).last).toEqual({ id: 2, text: 'ö\n' });

  appendFileSync(path(), '{"id":3,"te'); // killed within a line
  const again = await openJsonLines<{ id: number }>(folder, 'log');
  expect(again.last).toEqual({ id: 2, text: 'ö\n' });
  await again.write({ id: 3 });
  expect(lines()).toEqual([{ id: 1, text: 'ä' }, { id: 2, text: 'ö\n' }, { id: 3 }]);

  rmSync(path()); // somebody has taken the file away: the cursor knows
  const rotated = await openJsonLines<{ id: number }>(folder, 'log');
  expect(rotated.last).toEqual({ id: 3 });
  await rotated.write({ id: 4 });
  expect(lines()).toEqual([{ id: 4 }]);
});
