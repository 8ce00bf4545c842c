import { Child } from './child.ts';
import type { Listening } from './protocol.ts';

const startMs = 30_000;

/** One leaf process. */
export class LeafProcess extends Child {
  /** Its address. Rejects when the process ends, or stays silent, before it listens. */
  readonly listening: Promise<string>;

  constructor() {
    super(new URL('./leaf.ts', import.meta.url));
    this.listening = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.kill();
      }, startMs);
      this.onMessage((message) => {
        clearTimeout(timer);
        resolve(`http://127.0.0.1:${(message as Listening).port}`);
      });
      void this.exited.then((why) => {
        clearTimeout(timer);
        reject(new Error(`a leaf did not start: ${why}`));
      });
    });
    // Whoever waits is told; nobody has to.
    this.listening.catch(() => undefined);
  }
}
