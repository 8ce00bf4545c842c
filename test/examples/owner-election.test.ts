import { expect, test } from 'vitest';
import { limitMs, runExample } from './run-example.ts';

test.skipIf(process.platform === 'win32')(
  'one owner after the other, and the late write is refused',
  async () => {
    const printed = await runExample('owner-election');
    expect(printed).toMatch(/is killed after \d+ of 10 segments/);
    expect(printed).toMatch(/is woken: it has lost its term \((?:stalled|expired|superseded)\)/);
    expect(printed).toMatch(/^ok {5}the table refused the late write of/m);
    expect(printed).toMatch(/^ok {5}10 of 10 segments compacted, each once$/m);
  },
  limitMs,
);
