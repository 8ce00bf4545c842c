/** How an example runs: it says what it measured and whether it held, and undoes what it began, whichever way it ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** How long an example may take before it counts as hung, in milliseconds: a busy machine may take its time. */
const limitMs = 110_000;

/** What an example is told with. */
export interface Stage {
  /** Prints a line. */
  readonly say: (line: string) => void;
  /** Prints whether something held. When one thing did not, the exit code is 1. */
  readonly check: (held: boolean, what: string) => void;
  /** Has something undone at the end, the newest first. */
  readonly defer: (undo: () => unknown) => void;
  /** A folder of its own, which is gone in the end. */
  readonly makeFolder: () => Promise<string>;
}

/** Runs an example and sets the exit code: 0 when all that it checked held. Where something is missing it is skipped, and says so. */
export async function example(play: (stage: Stage) => Promise<void>, missing?: string): Promise<void> {
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return;
  }
  const undoes: (() => unknown)[] = [];
  let checks = 0;
  let failed = false;
  const stage: Stage = {
    say: (line) => console.log(line),
    check: (held, what) => {
      checks++;
      failed ||= !held;
      console.log(`${held ? 'ok    ' : 'FAILED'} ${what}`);
    },
    defer: (undo) => undoes.push(undo),
    makeFolder: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-example-'));
      undoes.push(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
      return folder;
    },
  };
  const end = async (): Promise<void> => {
    for (const undo of undoes.splice(0).reverse()) await undo();
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    void end().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const hung = setTimeout(() => {
    console.error(`FAILED it did not end within ${limitMs / 1_000} s`);
    void end().finally(() => process.exit(1));
  }, limitMs);
  try {
    await play(stage);
    if (checks === 0) stage.check(false, 'nothing was checked');
  } catch (error) {
    failed = true;
    console.error(error);
  } finally {
    clearTimeout(hung);
    await end();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
  process.exitCode = failed ? 1 : 0;
}

/** A whole number as people read it. */
export const count = (n: number): string => Math.round(n).toLocaleString('en');

/** A share in per cent. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
