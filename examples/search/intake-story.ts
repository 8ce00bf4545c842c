/** What becomes of the documents that are taken in, and of the process that analyses them. */
import type { Intake } from './intake.ts';
import { formatMs, plural } from './report.ts';

/** Tells how many threads there are and why, and what happens to the analyser. */
export function tellIntake(intake: Intake, print: (line: string) => void): void {
  let lostAt: number | undefined;
  const lost = (): void => {
    lostAt ??= performance.now();
  };
  const now = (): string => {
    const { analysed, accepted } = intake.status;
    return `${plural(accepted, 'document')} accepted, ${analysed} analysed`;
  };
  intake.on('started', ({ pid }) => {
    const after = lostAt === undefined ? '' : `, ${formatMs(performance.now() - lostAt)} after`;
    lostAt = undefined;
    print(`the analyser (process ${pid ?? '?'}) is started${after}: ${now()}`);
  });
  intake.on('scale', ({ from, to, reason, waiting }) => {
    print(
      `the analyser has ${plural(to, 'thread')} instead of ${from} (${reason}): ${plural(waiting, 'document')} waiting`,
    );
  });
  intake.on('stands', () => {
    print(`the analyser stands still: ${now()}`);
  });
  intake.on('killed', () => {
    lost();
    print('the analyser gets SIGKILL');
  });
  intake.on('gone', ({ pid, why }) => {
    lost();
    print(`the analyser (process ${pid ?? '?'}) is gone: ${why}`);
  });
}

/** The analyser stands still when half of the documents are analysed, with threads that are at work, and is killed there. */
export function loseAnalyser(intake: Intake, documents: number): void {
  intake.standStillAt(Math.ceil(documents / 2));
  intake.on('stands', () => {
    intake.standStillAt(undefined);
    intake.kill();
  });
}
