/** Documents that are taken in by a real process, with a real journal and threads, which is killed at any moment. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from 'holdfast/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { readAnalyses } from '../../examples/search/analyses.ts';
import { analyse } from '../../examples/search/analysis.ts';
import { compareAnalyses } from '../../examples/search/completeness.ts';
import type { Document } from '../../examples/search/documents.ts';
import { Intake } from '../../examples/search/intake.ts';
import { loseAnalyser } from '../../examples/search/intake-story.ts';
import { InvertedIndex } from '../../examples/search/inverted-index.ts';
import { analysesIn } from '../../examples/search/places.ts';
import { seed } from '../support/properties.ts';
import { eventually } from './search-support.ts';

const chance = seededRandom(seed);

// The analyser is started as this process was, and it is TypeScript.
const { execArgv } = process;
beforeAll(() => {
  process.execArgv = [...execArgv, '--import', 'tsx'];
});
afterAll(() => {
  process.execArgv = execArgv;
});

let folder = '';
let intake: Intake | undefined;
afterEach(async () => {
  await intake?.close();
  rmSync(folder, { recursive: true, force: true });
});

function begin(): Intake {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-search-'));
  return (intake = new Intake(folder));
}

function documentsOf(count: number, words: number): Document[] {
  const random = chance.stream('texts');
  const word = (): string => Math.floor(5_000 * random()).toString(36);
  return Array.from({ length: count }, (_, i) => {
    return { id: `folder ${String(i % 7)}/${String(i)}.md`, text: Array.from({ length: words }, word).join(' ') };
  });
}

/** What is kept is what this process makes of the same documents: none is missing, none is there twice, none is another. */
async function expectAll(documents: readonly Document[]): Promise<void> {
  const kept = await readAnalyses(analysesIn(folder));
  expect(compareAnalyses(documents, kept)).toEqual({ missing: [], unknown: [], wrong: [] });
  expect(kept.map(({ id }) => id)).toEqual(documents.map(({ id }) => id).sort());
  expect(readdirSync(analysesIn(folder)).filter((name) => name.endsWith('.json'))).toHaveLength(documents.length);
  const [found, expected] = [new InvertedIndex(), new InvertedIndex()];
  for (const one of kept) found.add(one);
  for (const document of documents) expected.add(analyse(document));
  expect(found.statistics()).toEqual(expected.statistics());
}

describe('documents that were accepted', { timeout: 300_000 }, () => {
  test('are analysed, all of them and once in effect, though the process is killed at moments drawn by chance', async () => {
    const random = chance.stream('kills');
    const documents = documentsOf(200, 400);
    let [kills, underWay, again] = [0, 0, 0];
    for (let history = 0; history < 2; history++) {
      const taken = begin();
      let left = 4;
      const kill = (): void => {
        if (left === 0 || taken.status.pid === undefined) return;
        left--;
        kills++;
        const { accepted, analysed } = taken.status;
        if (accepted > 0 && analysed < documents.length) underWay++;
        taken.kill();
      };
      taken.on('started', () => {
        // While it starts, while it accepts, and in the midst of its work, but then never at the end of it.
        if (left === 4) setTimeout(kill, 300 * random());
        else {
          const counted = left === 3 ? 'accepted' : 'analysed';
          const count = (): number => taken.status[counted];
          const at = count() + random() * 0.5 * (documents.length - count());
          const off = taken.on('progress', () => {
            if (count() < at) return;
            off();
            kill();
          });
        }
      });
      await taken.run(documents);
      left = 0;
      again += taken.status.again;
      expect(taken.status).toMatchObject({ accepted: documents.length, analysed: documents.length });
      await expectAll(documents);
      await taken.close();
      rmSync(folder, { recursive: true });
    }
    expect(underWay).toBeGreaterThan(2);
    console.log(
      `${String(documents.length)} documents, twice: ${String(kills)} kills, ` +
        `${String(underWay)} of them under way; ${String(again)} analysed again`,
    );
  });

  test('are analysed by more threads while there are many, and by none when there are none, also after SIGKILL', async () => {
    const documents = documentsOf(160, 8_000);
    const taken = begin();
    loseAnalyser(taken, documents.length);
    const gone: { readonly why: string; readonly accepted: number; readonly analysed: number }[] = [];
    taken.on('gone', ({ why, accepted, analysed }) => gone.push({ why, accepted, analysed }));
    await taken.run(documents);
    await expectAll(documents);
    expect(gone).toHaveLength(1);
    expect(gone[0]!.why).toBe('SIGKILL');
    expect(gone[0]!.analysed).toBeGreaterThanOrEqual(80);
    expect(gone[0]!.analysed).toBeLessThan(160);
    // A window is as long as twenty starts of a thread, and those take long on a busy machine.
    const last = (): number => taken.status.threads.at(-1)!;
    await eventually('all threads have gone', () => (last() === 0 ? true : undefined), 200_000);
    const { threads } = taken.status;
    const restart = threads.indexOf(0, 1);
    for (const sizes of [threads.slice(0, restart), threads.slice(restart)]) {
      expect(sizes[0]).toBe(0);
      expect(Math.max(...sizes), threads.join(' ')).toBeGreaterThan(1);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(4);
    }
    console.log(`threads: ${threads.join(' ')}`);
  });

  test('and cannot be analysed are told, with why', async () => {
    const taken = begin();
    const tooLong = { id: 'long.md', text: '"'.repeat(2 * 1024 * 1024) };
    await expect(taken.run([tooLong])).rejects.toThrow('the analyser has ended: exit code 1');
  });
});
