import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Listening } from './protocol.ts';

const startMs = 30_000;

/** One leaf process, from its start to its end. It is started as this process was: with the same flags of Node. */
export class LeafProcess {
  readonly #child: ChildProcess;
  /** Resolves when the process is no more, with why. */
  readonly exited: Promise<string>;
  /** Its address. Rejects when the process ends, or stays silent, before it listens. */
  readonly listening: Promise<string>;

  constructor() {
    const child = fork(fileURLToPath(new URL('./leaf.ts', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        resolve(signal ?? `exit code ${String(code)}`);
      });
      child.on('error', (error) => {
        if (child.pid === undefined) resolve(error.message);
      });
    });
    this.listening = new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.kill();
      }, startMs);
      child.once('message', (message) => {
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

  /** The process's id; undefined when there was no process to be had. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the process, and there is nothing that it could do about it. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
