import { expect, test } from 'vitest';
import { limitMs, runExample } from './run-example.ts';

// Links need a privilege on Windows.
test.skipIf(process.platform === 'win32')(
  'no answer is of two versions, and a bad one is refused by whoever serves or starts',
  async () => {
    const printed = await runExample('config-sidecar');
    expect(printed).toMatch(/^\d+ requests during 20 swaps were answered of \d+ versions$/m);
    expect(printed).toMatch(/^ok {5}0 answers were a mix of two versions$/m);
    expect(printed).toMatch(/^ok {5}who reads file by file through the link has mixed [1-9]\d* times of \d+$/m);
    expect(printed).toMatch(/the server says: rejected, tea has no price$/m);
    expect(printed).toMatch(/^ok {5}it says that it is stale, and answers of version 21$/m);
    expect(printed).toMatch(/^ok {5}a server that is started now gives up: tea has no price$/m);
  },
  limitMs,
);
