import type { AnalyserReport, AnalyserSetup, Task } from './analyser-protocol.ts';
import { Child } from './child.ts';
import type { Document } from './documents.ts';

/** One analyser process. */
export class AnalyserProcess extends Child {
  readonly #answered = new Map<number, () => void>();
  #tasks = 0;

  /** @param onReport - told what the analyser reports; nothing after its end */
  constructor(setup: AnalyserSetup, onReport: (report: AnalyserReport) => void) {
    super(new URL('./analyser.ts', import.meta.url), JSON.stringify(setup));
    this.onMessage((message) => {
      const report = message as AnalyserReport;
      if (report.type === 'answered') this.#answered.get(report.number)?.();
      else onReport(report);
    });
  }

  /** Resolves when the documents are in its journal. Rejects when the process has ended before it could say so. */
  take(documents: readonly Document[]): Promise<void> {
    return this.#ask({ type: 'take', number: ++this.#tasks, documents });
  }

  /** Resolves when all that it has taken is analysed. Rejects when the process has ended before. */
  finish(): Promise<void> {
    return this.#ask({ type: 'finish', number: ++this.#tasks });
  }

  #ask(task: Task): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answered.set(task.number, resolve);
      void this.exited.then((why) => {
        reject(new Error(`the analyser has ended: ${why}`));
      });
      this.send(task);
    });
  }
}
